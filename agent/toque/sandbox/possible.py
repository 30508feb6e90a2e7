"""Whether sandboxes can be made on this machine, found out by trying rather than by versions."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from pathlib import Path

from toque.sandbox import linux
from toque.sandbox.disk import carries_upper_layers
from toque.sandbox.rootless import ask_on_standard_output, enter_user_namespace
from toque.sandbox.spec import Refusal, SandboxError
from toque.sandbox.subids import SubIds, run_mapped, sub_ids

_OTHERWISE = "or use another provider (--provider docker)"
_AS_ROOT = f"run it where it may (in a container: --privileged), {_OTHERWISE}"
_AS_USER = (
    f"run it as root (sudo), allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
    f"kernel.apparmor_restrict_unprivileged_userns=0), {_OTHERWISE}"
)


@cache
def ready() -> Refusal | None:
    """None where sandboxes are possible; else why not, and what to do. Found out once per process, in a child."""
    if sys.platform != "linux":
        return Refusal("a sandbox is made of Linux namespaces, and this is not Linux", "use --provider docker")
    if os.geteuid() == 0:
        return _tried("attempt()", None, _AS_ROOT)
    ids = sub_ids()
    if isinstance(ids, Refusal):
        return Refusal(ids.reason, f"{ids.remedy}; or run it as root (sudo), {_OTHERWISE}")
    return _tried("attempt(rootless=True)", ids, _AS_USER)


def _tried(call: str, ids: SubIds | None, remedy: str) -> Refusal | None:
    try:
        done = run_mapped(f"from toque.sandbox.possible import attempt; {call}", ids=ids)
    except SandboxError as error:
        return Refusal(str(error), remedy)
    if done.returncode == 0:
        return None
    last = done.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
    return Refusal(f"this machine does not let us make a sandbox: {last[0]}", remedy)


def attempt(*, rootless: bool = False) -> None:
    """Make the namespaces and an overlay, as a sandbox does; leaves nothing. For a process of its own."""
    if rootless:
        enter_user_namespace(ask_on_standard_output)
    xattr = "user" if rootless else "trusted"
    with tempfile.TemporaryDirectory() as folder:
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC | linux.CLONE_NEWPID)
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        if carries_upper_layers(Path(folder), xattr=xattr):
            os.chdir("/")
            return
        linux.mount("tmpfs", folder, "tmpfs")
        if not carries_upper_layers(Path(folder), xattr=xattr):
            sys.exit("overlay file systems are refused, even with their upper layer in memory")
        os.chdir("/")
        linux.detach(folder)
