"""Unpack one bundle: `python -m toque.daemon.unpacking ARCHIVE INTO DIGEST SIZE`, a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from toque.cookbook.bundle import BadBundle, unpack


def main(arguments: list[str]) -> int:
    archive, into, digest, size = arguments
    try:
        unpack(Path(archive), Path(into), digest=digest, size=int(size))
    except BadBundle as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
