"""A machine that systemd boots: Debian in a folder that is made once, and a throw-away overlay of it for the tests."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.needs import stop_without

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toque-tests"
_MIRROR = "http://deb.debian.org/debian"
_AGENT = Path(__file__).resolve().parents[2] / "agent"


@dataclass
class Machine:
    """A booted machine; `leader` is the pid of its systemd as the host sees it."""

    leader: int

    def run(self, *argv: str, ok: tuple[int, ...] = (0,), input: str = "") -> str:
        inside = ["nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--", *argv]
        done = subprocess.run(inside, input=input, capture_output=True, text=True, check=False)
        assert done.returncode in ok, f"{argv} gave {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def apply(self, recipe: str, *, verb: str = "apply", options: Sequence[str] = (), code: int = 0) -> str:
        """`toque apply` of a recipe in the machine."""
        self.run("sh", "-c", "cat >/srv/recipe.py", input=recipe)
        toque = [
            "env",
            "PYTHONPATH=/opt/agent:/opt/site",
            "python3",
            "-m",
            "toque.cli",
            verb,
            *options,
            "/srv/recipe.py",
        ]
        return self.run("sh", "-c", 'exec "$@" 2>&1', "sh", *toque, ok=(code,))

    def until(self, what: str, holds: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"waited {seconds:g} s for: {what}"
            time.sleep(0.1)


def root_folder() -> Path:
    """The Debian to boot, made by debootstrap where there is none yet."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    made = _CACHE / "debian-with-systemd"
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.is_dir():
            return made
        new = Path(tempfile.mkdtemp(dir=_CACHE))
        packages = "--include=systemd,systemd-sysv,dbus,python3"
        argv = ["debootstrap", "--variant=minbase", packages, "bookworm", str(new), _MIRROR]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(new)
            stop_without(f"Debian's packages over the network ({done.stdout.strip().splitlines()[-1:]})")
        return new.rename(made)


@contextmanager
def a_machine() -> Iterator[Machine]:
    """Boot it; power it off afterwards."""
    packages = find_spec("click")
    assert packages is not None
    assert packages.origin is not None
    site = Path(packages.origin).parents[1]
    argv = ["systemd-nspawn", "--boot", "--quiet", "--volatile=overlay", f"--machine=toque-{os.getpid()}"]
    argv += ["--register=no", "--keep-unit", "--console=pipe", "--link-journal=no", f"--directory={root_folder()}"]
    argv += [f"--bind-ro={_AGENT}:/opt/agent", f"--bind-ro={site}:/opt/site"]
    with tempfile.TemporaryFile("w+") as console:
        nspawn = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
        )
        try:
            machine = Machine(_leader(nspawn))
            running = ("running", "degraded")
            state = ["systemctl", "is-system-running"]
            machine.until("systemd to have booted", lambda: machine.run(*state, ok=tuple(range(256))) in running)
            yield machine
        finally:
            nspawn.send_signal(signal.SIGTERM)
            try:
                nspawn.wait(timeout=30)
            except subprocess.TimeoutExpired:
                nspawn.kill()
                nspawn.wait()


def _leader(nspawn: subprocess.Popen[bytes]) -> int:
    children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children")
    deadline = time.monotonic() + 30
    while True:
        for pid in children.read_text().split():
            if Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
                return int(pid)
        assert nspawn.poll() is None, f"systemd-nspawn ended with {nspawn.returncode}"
        assert time.monotonic() < deadline, "waited 30 s for systemd in the container"
        time.sleep(0.05)
