"""Hooks of `mkdocs build`: files of the repository that pages link to, and colours of code.

A page is read on a code host and in the site. There a link such as `../bench/eval.json` leaves the
folder of pages; here the file is copied into the site and the link leads to the copy.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pygments.formatters import HtmlFormatter

LINK = re.compile(r"\]\(((?:\.\./)+[^)#]+)\)")
LAYOUT = """\
.wy-nav-content { max-width: 1200px }
.rst-content div.highlight { border: 0; padding: 0 }  /* pre has a frame already */
.rst-content .wy-table-responsive table td, .rst-content .wy-table-responsive table th,
.rst-content .wy-table-responsive table td code { white-space: normal; overflow-wrap: break-word }
.rst-content .wy-table-responsive table td, .rst-content .wy-table-responsive table th
{ padding: 6px 8px }
"""
FOLDER = "files"  # of the copies, in the site


def _target(page: str, link: str) -> str:
    """Return a link's target relative to the folder of pages."""
    return os.path.normpath(PurePosixPath(page).parent / link)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside the folder of pages that pages link to."""
    root = Path(config.docs_dir)
    copied: dict[str, Path] = {}
    for page in files.documentation_pages():
        for link in LINK.findall(page.content_string):
            target = _target(page.src_uri, link)
            if target.startswith("../") and (root / target).is_file():
                copied[f"{FOLDER}/{target[3:]}"] = root / target
    for name, path in copied.items():
        files.append(File.generated(config, _served(name), abs_src_path=str(path)))
    colours = HtmlFormatter(style="default").get_style_defs(".highlight")
    files.append(File.generated(config, "site.css", content=f"{colours}\n{LAYOUT}"))
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_: object) -> str:
    """Let links to files outside the folder of pages lead to their copies."""

    def replace(match: re.Match[str]) -> str:
        target = _target(page.file.src_uri, match[1])
        copy = _served(f"{FOLDER}/{target[3:]}")
        if not target.startswith("../") or files.get_file_from_path(copy) is None:
            return match[0]
        return f"]({os.path.relpath(copy, PurePosixPath(page.file.src_uri).parent)})"

    return LINK.sub(replace, markdown)


def _served(name: str) -> str:
    """Return the name of a copy: text, so that a browser shows it and does not download it."""
    return name if name.endswith((".png", ".json", ".txt")) else f"{name}.txt"
