"""Ending what runs as a user, before the account goes."""

from __future__ import annotations

import sys

from toque.core.host import Host

# In Python, because pkill is not on every machine, and the agent's interpreter is. Asks the processes to end, and after
# ten seconds makes them. Whose a process is stands in its status: its folder may belong to root all the same.
END = """
import os, signal, sys, time
from pathlib import Path
def pids():
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            uids = path.read_text().partition("Uid:")[2].split(None, 4)[:4]
            if sys.argv[1] in uids:
                yield int(path.parent.name)
        except OSError:
            pass
def tell(number):
    for pid in pids():
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
tell(signal.SIGTERM)
end = time.monotonic() + 10
while any(pids()) and time.monotonic() < end:
    time.sleep(0.1)
tell(signal.SIGKILL)
while any(pids()) and time.monotonic() < end + 5:
    time.sleep(0.1)
"""


def end_processes(host: Host, uid: int) -> None:
    """Ask every process of a user to end, and after ten seconds make it."""
    host.run([sys.executable, "-I", "-c", END, str(uid)])
