"""How long `make demo` takes on this machine: from the command until all instances are online and the app answers.

    python bench/demo.py [--keep-venv]

A fresh copy of this repository's files, without its virtual environments: making .venv is part of the time, from a pip
cache that is warm (run it twice where it was not). `--keep-venv` lends the copy the interpreter that runs this, so that
only the demo itself is measured.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.installation import report
from bench.server import free_port, refuse_where_impossible

ROOT = Path(__file__).resolve().parents[1]
TARGET_SECONDS = 60.0
GIVE_UP_AFTER = 600.0


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--keep-venv", action="store_true", help="without making .venv: this interpreter's instead")
    given = options.parse_args()
    refuse_where_impossible()
    with tempfile.TemporaryDirectory(prefix="toque-bench-", dir="/var/tmp") as folder:
        where = ["--listen", f"127.0.0.1:{free_port()}"]
        if given.keep_venv:
            demo = [sys.executable, "-c", "from toque.cli import main; main()", "demo", *where]
            total, itself = measured(demo, ROOT)
        else:
            copy = copied(Path(folder) / "toque")
            total, itself = measured(["make", "demo", f"DEMO={' '.join(where)}", f"PYTHON={base()}"], copy)
    print(f"all online and the app answers after {total:.1f} s, of which {itself:.1f} s are the demo's own")
    report(
        "demo",
        round(total, 1),
        "s",
        TARGET_SECONDS,
        met=total <= TARGET_SECONDS,
        demo_itself=round(itself, 1),
        with_setup=not given.keep_venv,
    )
    return 0


def base() -> str:
    """The interpreter that this one's virtual environment was made with."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def copied(there: Path) -> Path:
    """The files that git knows or would take, as they are now."""
    listed = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(listed, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, there / name)
    return there


def measured(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds until the demo says that all is online, as seen from here and by itself; it is torn down after."""
    began = time.monotonic()
    demo = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert demo.stdout is not None
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(demo.pid, signal.SIGTERM))
    signal.alarm(int(GIVE_UP_AFTER))
    said = []
    try:
        for line in demo.stdout:
            said.append(line)
            if found := re.match(r"online after (\d+(?:\.\d+)?) s", line):
                return time.monotonic() - began, float(found[1])
        raise SystemExit("the demo ended before all was online:\n" + "".join(said))
    finally:
        signal.alarm(0)
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGTERM)
            demo.stdout.read()
        demo.wait(60)


if __name__ == "__main__":
    sys.exit(main())
