"""An ordinary user of this machine, with sub-uids and with an installation of Toque that it may read."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

SYSTEM_PYTHON = "/usr/bin/python3"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ordinary:
    """`place` is the user's own folder; `python` is an interpreter in which `toque[server]` is installed."""

    name: str
    place: Path
    python: Path

    def run(self, *argv: str, seconds: float, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a program as this user; what it says on both streams is its `stdout`."""
        entry = pwd.getpwnam(self.name)
        return subprocess.run(
            argv,
            env={"PATH": os.environ["PATH"], "HOME": str(self.place), "LC_ALL": "C.UTF-8", **environment},
            user=entry.pw_uid,
            group=entry.pw_gid,
            extra_groups=[],
            cwd=self.place,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )


def fits() -> bool:
    """Whether the interpreter that every user can run is of the version that our packages are built for."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    ask = [SYSTEM_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return Path(SYSTEM_PYTHON).exists() and subprocess.check_output(ask, text=True).strip() == version


@contextmanager
def an_ordinary_user(name: str, first_id: int) -> Iterator[Ordinary]:
    """Make the user `name` with 65,536 sub-uids and sub-gids from `first_id` on; it is gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="toque-ordinary-", dir="/var/tmp"))
    subprocess.run(["useradd", "--no-create-home", name], check=True, capture_output=True)
    try:
        ids = f"{first_id}-{first_id + 65535}"
        subprocess.run(["usermod", "--add-subuids", ids, "--add-subgids", ids, name], check=True, capture_output=True)
        os.chown(place, pwd.getpwnam(name).pw_uid, -1)
        place.chmod(0o755)
        yield Ordinary(name, place, _installation(place))
    finally:
        _end_processes_of(pwd.getpwnam(name).pw_uid)
        subprocess.run(["userdel", name], check=True, capture_output=True)
        shutil.rmtree(place)


def _end_processes_of(uid: int) -> None:
    """What a test that broke left running; sandboxes end with their PID 1, which is this user's."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.uids().real == uid:
                process.kill()
                process.wait(10)


def _installation(place: Path) -> Path:
    """A virtual environment with copies of our source and of the packages that a server needs."""
    for folder in ("agent", "server", "cookbooks", "examples"):
        shutil.copytree(ROOT / folder, place / "source" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", str(place / "venv")], check=True)
    [site] = (place / "venv" / "lib").glob("python3.*/site-packages")
    (site / "source.pth").write_text(f"{place}/source/agent\n{place}/source/server\n")
    for distribution in _needed("toque", {"server"}):
        for file in distribution.files or ():
            target = site / file
            if ".." in file.parts or file.suffix in {".pyc", ".pth"} or not file.locate().is_file():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), target)
    return place / "venv" / "bin" / "python"


def _needed(name: str, extras: set[str]) -> list[metadata.Distribution]:
    """A distribution and everything that it requires, each once."""
    found: dict[str, metadata.Distribution] = {}
    todo = [(name, extras)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        name, extras = todo.pop()
        if (name, frozenset(extras)) in seen:
            continue
        seen.add((name, frozenset(extras)))
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another platform or version than this
        for line in found[name].requires or ():
            requirement, _, marker = line.partition(";")
            wanted = re.search(r"""extra\s*==\s*['"]([^'"]+)['"]""", marker)
            if wanted is not None and wanted[1] not in extras:
                continue
            parts = re.match(r"([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?", requirement)
            assert parts is not None, line
            todo.append((parts[1].lower(), {each.strip() for each in (parts[2] or "").split(",") if each.strip()}))
    return list(found.values())
