"""Look into a sandbox, or break it, from a shell.

python -m toque.sandbox state DIRECTORY                 running, stopped, failed or gone
python -m toque.sandbox run DIRECTORY PROGRAM [ARG …]   run a program inside, as root
python -m toque.sandbox enter DIRECTORY [PROGRAM …]     the same at this terminal; a shell when nothing is named
python -m toque.sandbox kill DIRECTORY                  SIGKILL to everything in it, as a power failure would
"""

from __future__ import annotations

import sys
from pathlib import Path

from toque import sandbox


def main(argv: list[str]) -> int:
    if (
        len(argv) < 3
        or argv[1] not in {"state", "run", "enter", "kill"}
        or (argv[1] != "enter" and (argv[1] == "run") != (len(argv) > 3))
    ):
        sys.stderr.write(f"{__doc__}")
        return 2
    directory = Path(argv[2])
    if sandbox.state(directory) == "gone":
        sys.stderr.write(f"there is no sandbox in {directory}\n")
        return 1
    if argv[1] == "run":
        ran = sandbox.execute(directory, argv[3:])
        sys.stdout.buffer.write(ran.stdout)
        sys.stderr.buffer.write(ran.stderr)
        return ran.returncode
    if argv[1] == "enter":
        return sandbox.enter(directory, argv[3:] or ["/bin/sh"])
    if argv[1] == "kill":
        sandbox.kill(directory)
    sys.stdout.write(f"{sandbox.state(directory)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
