"""Load tokenizer files and encode a text, in a process of its own that may crash or hang.

`python -I tokenizer_probe.py FOLDER PATH...` is that process; PATH... is the `sys.path` of the one
that starts it. It imports tokenizers alone, which takes a tenth of a second. Exit status: 0; 1 with
the reason on stdout; or the signal that killed it.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

PROBE_TEXT = (
    "Alert me when you hear a beep: ÄÖÜ éß 日本語 Ελλάδα 🙂\n\t"
    + "a" * 300
    + " " * 300
    + "0123456789" * 30
    + "!?" * 150
    + "\n" * 100
    + "'s 've don't" * 20
)
"""Text that takes tokenizers longest: long runs of letters, digits, blanks and signs."""
ENCODE_SECONDS = 1.0  # of CPU
CPU_SECONDS = 6  # in total
MEMORY = 4 * 10**9  # bytes of address space


def main() -> int:
    sys.path[:] = sys.argv[2:]
    for kind, most in ((resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, MEMORY)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(
            kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard)
        )
    try:
        print(_fault(Path(sys.argv[1])), end="")
    except BaseException as error:  # tokenizers' panics are no Exception
        print(f"{type(error).__name__}: {error}"[:500], end="")
        return 1
    return 0


def _fault(folder: Path) -> str:
    from tokenizers import Tokenizer, models

    if (file := folder / "tokenizer.json").exists():
        tokenizer = Tokenizer.from_file(str(file))
    else:
        names = (str(folder / name) for name in ("vocab.json", "merges.txt"))
        tokenizer = Tokenizer(models.BPE.from_file(*names))
    tokenizer.no_padding()  # as transformers calls it; a training may have left some in the file
    tokenizer.no_truncation()
    begin = time.process_time()
    count = len(tokenizer.encode(PROBE_TEXT, add_special_tokens=False).ids)
    seconds = time.process_time() - begin
    most = len(PROBE_TEXT.encode())
    if seconds > ENCODE_SECONDS:
        raise ValueError(f"{seconds:.1f} s for {most} bytes; expected {ENCODE_SECONDS:g} s")
    if count > most:
        raise ValueError(f"{count:,} tokens for {most:,} bytes; expected no more than bytes")
    return ""


if __name__ == "__main__":
    sys.exit(main())
