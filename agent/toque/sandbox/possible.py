"""Whether sandboxes can be made on this machine, found out by trying rather than by versions."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from toque.sandbox import linux
from toque.sandbox.disk import carries_upper_layers
from toque.sandbox.spec import Refusal

_HOME = Path(__file__).resolve().parent.parent.parent
_TRY = f"import sys; sys.path.insert(0, {str(_HOME)!r}); from toque.sandbox.possible import attempt; attempt()"
_REMEDY = "run it where it may (sudo; in a container: --privileged), or use another provider (--provider docker)"


@cache
def ready() -> Refusal | None:
    """None where sandboxes are possible; else why not, and what to do. Found out once per process, in a child."""
    if sys.platform != "linux":
        return Refusal("a sandbox is made of Linux namespaces, and this is not Linux", "use --provider docker")
    if os.geteuid() != 0:
        return Refusal("sandboxes need root on this machine", _REMEDY)
    tried = subprocess.run([sys.executable, "-I", "-S", "-c", _TRY], capture_output=True, text=True)
    if tried.returncode == 0:
        return None
    last = tried.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
    return Refusal(f"this machine does not let us make a sandbox: {last[0]}", _REMEDY)


def attempt() -> None:
    """Make the namespaces and an overlay, as a sandbox does; leaves nothing. For a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC | linux.CLONE_NEWPID)
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        linux.mount("tmpfs", folder, "tmpfs")
        if not carries_upper_layers(Path(folder)):
            sys.exit("overlay file systems are refused, even with their upper layer in memory")
        os.chdir("/")
        linux.detach(folder)
