"""Which ids of the host an ordinary user's sandbox may use, and handing them to it.

Root inside is the user outside; the ids from 1 to 65535 inside are the user's subordinate ids, which the system's
administrator grants in /etc/subuid and /etc/subgid and `newuidmap` and `newgidmap` (package uidmap) hand out.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from toque.sandbox.spec import Refusal, SandboxError

NEEDED = 65535
_HOME = Path(__file__).resolve().parent.parent.parent
_FILES = {"uid": Path("/etc/subuid"), "gid": Path("/etc/subgid")}


@dataclass(frozen=True)
class SubIds:
    """What may be mapped: the user's own ids, and where its subordinate ones begin."""

    uid: int
    gid: int
    first_uid: int
    first_gid: int

    def hand_to(self, pid: int) -> None:
        """Give these ids to the user namespace of a process, which waits for them."""
        for program, own, first in (("newuidmap", self.uid, self.first_uid), ("newgidmap", self.gid, self.first_gid)):
            numbers = [0, own, 1, 1, first, NEEDED]
            done = subprocess.run([program, str(pid), *map(str, numbers)], capture_output=True, text=True)
            if done.returncode != 0:
                raise SandboxError(f"{program} refuses to map ids for the sandbox: {done.stderr.strip()}")


def run_mapped(code: str, *arguments: str, ids: SubIds | None) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, which may ask for ids with `rootless.ask_on_standard_output`."""
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(_HOME)!r}); {code}", *arguments]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(argv, text=True, **streams) as child:  # type: ignore[call-overload]
        if ids is not None and child.stdout.readline():
            ids.hand_to(child.pid)
            out, err = child.communicate("mapped\n")
        else:
            out, err = child.communicate()
    return subprocess.CompletedProcess(argv, child.returncode, out, err)


def sub_ids() -> SubIds | Refusal:
    """This user's subordinate ids, or why there are none."""
    absent = [program for program in ("newuidmap", "newgidmap") if shutil.which(program) is None]
    if absent:
        return Refusal(
            f"there is no {absent[0]} here, which an ordinary user's sandbox needs", "install package uidmap"
        )
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    firsts = {kind: first_of(path, name, uid) for kind, path in _FILES.items()}
    if firsts["uid"] is None or firsts["gid"] is None:
        return Refusal(
            f"user {name} has no {NEEDED + 1} subordinate ids in {_FILES['uid']} and {_FILES['gid']}",
            f"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name} (a range nobody else has)",
        )
    return SubIds(uid, os.getgid(), firsts["uid"], firsts["gid"])


def first_of(path: Path, name: str, uid: int, *, read: Callable[[Path], str] = Path.read_text) -> int | None:
    """Where the first sufficient range of a user begins, in the format of subuid(5)."""
    try:
        lines = read(path).splitlines()
    except FileNotFoundError:
        return None
    for line in lines:
        fields = line.strip().split(":")
        if len(fields) == 3 and fields[0] in (name, str(uid)) and int(fields[2]) >= NEEDED:
            return int(fields[1])
    return None
