"""Point the ROS wheels' CMake files at this environment's Python and NumPy headers.

The wheels from PyPI export include folders of the machine that built them. Those do not exist
here, and CMake refuses targets whose include folders are missing. Running this twice changes
nothing the second time. Run it with the Python of the environment that holds the wheels.
"""

import re
import sys
import sysconfig
from pathlib import Path

import numpy as np

_PYTHON_HEADERS = re.compile(r"/opt/python/cp\d+-cp\d+/include/python3\.\d+")
_NUMPY_HEADERS = re.compile(
    r"/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/_?core/include"
)


def mend(prefix: Path) -> list[Path]:
    """Rewrite the CMake exports below `prefix`; return the files that had to be changed."""
    changed = []
    for path in sorted(prefix.glob("share/*/cmake/*.cmake")):
        text = path.read_text(encoding="utf-8")
        mended = _PYTHON_HEADERS.sub(lambda _: sysconfig.get_path("include"), text)
        mended = _NUMPY_HEADERS.sub(lambda _: np.get_include(), mended)
        if mended != text:
            path.write_text(mended, encoding="utf-8")
            changed.append(path)
    return changed


if __name__ == "__main__":
    print(f"mended {len(mend(Path(sys.prefix)))} CMake files of the ROS wheels")
