"""Which services differ: recorded where systemd keeps them, run in the clone elsewhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toque.preview.places import REAL_SYSTEMCTL
from toque.sandbox.places import SUPERVISOR_PROGRAMS, TOQUE

Runs = Callable[[Sequence[str]], str]

_BOOTED = Path("/run/systemd/system")
_REMEMBERED = "var/lib/toque-sandbox/services.json"
_SCRIPT = f"""\
#!{TOQUE}/bin/python -IS
import sys
sys.path.insert(0, "{TOQUE}/site")
from toque.preview.systemctl import main
sys.exit(main())
"""
_LEVELS = ("2", "3", "4", "5")
_STARTED_LINK = re.compile(r"S\d\d(.+)")


@dataclass
class ServiceChange:
    """One service: what it is now that it was not, and what was done to it."""

    name: str
    changes: list[str] = field(default_factory=list)
    recorded: bool = False

    def __str__(self) -> str:
        return f"{self.name} {', '.join(self.changes)}" + (" (recorded, not run)" if self.recorded else "")

    def values(self) -> dict[str, Any]:
        return {"name": self.name, "changes": self.changes, "recorded": self.recorded}


@dataclass(frozen=True)
class Recording:
    """What a clone needs to record its services: files and read-only binds for its specification."""

    files: Mapping[str, tuple[bytes, int]]
    binds: Mapping[str, Path]


def recording(state: str) -> Recording | None:
    """None where systemd does not run this machine, and services therefore run in the clone for real."""
    program = shutil.which("systemctl")
    if program is None or not _BOOTED.is_dir():
        return None
    argv = ["systemctl", "show", "--property=Id,ActiveState", "*"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    return recording_of(Path(program).resolve(), units_shown(shown), state)


def recording_of(program: Path, units: Mapping[str, str], state: str) -> Recording:
    known = {"units": units, "before": units, "actions": []}
    files = {
        str(program): (_SCRIPT.encode(), 0o755),
        state: (json.dumps(known).encode(), 0o644),
        f"{_BOOTED}/.toque": (b"services are recorded here, not run\n", 0o644),
    }
    return Recording(files, {REAL_SYSTEMCTL: program})


def units_shown(text: str) -> dict[str, str]:
    """ActiveState by unit, from the blocks that `systemctl show` prints."""
    found = {}
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in values:
            found[values["Id"]] = values.get("ActiveState", "inactive")
    return found


def unit_files(run: Runs) -> dict[str, str]:
    """Enabled, disabled, masked …: by unit, as the machine's own program says of the clone's files."""
    said = run([REAL_SYSTEMCTL, "--root=/", "list-unit-files", "--no-legend", "--no-pager"])
    return {words[0]: words[1] for line in said.splitlines() if len(words := line.split()) > 1}


def recorded(known: Mapping[str, Any], before: Mapping[str, str], after: Mapping[str, str]) -> list[ServiceChange]:
    """What a recording `systemctl` was asked, and which units are enabled, disabled or masked now."""
    found: dict[str, ServiceChange] = {}
    for verb, name in known["actions"]:
        change = found.setdefault(name or "the machine", ServiceChange(name or "the machine", recorded=True))
        if (past := _PAST.get(verb, verb)) not in change.changes:
            change.changes.append(past)
    for name in sorted({*before, *after}):
        was, now = before.get(name, ""), after.get(name, "")
        if was != now and {was, now} & _SAID:
            change = found.setdefault(name, ServiceChange(name))
            change.changes.insert(0, now if now else f"no longer {was}")
    return list(found.values())


_SAID = {"enabled", "disabled", "masked", "enabled-runtime", "masked-runtime"}
_PAST = {
    "start": "started",
    "stop": "stopped",
    "restart": "restarted",
    "reload": "reloaded",
    "reload-or-restart": "reloaded",
    "try-restart": "restarted",
    "kill": "sent a signal",
}


def run_for_real(host: Path, clone: Path, runs_here: Callable[[str], bool]) -> list[ServiceChange]:
    """Services of init scripts and of supervisord: those of the clone that the host has otherwise."""
    found: dict[str, ServiceChange] = {}

    def note(name: str, what: str) -> None:
        found.setdefault(name, ServiceChange(name)).changes.append(what)

    was, now = _at_boot(host), _at_boot(clone)
    for name in sorted(was ^ now):
        note(name, "enabled" if name in now else "disabled")
    for name in _started(clone):
        if not runs_here(name):
            note(name, "started")
    programs = str(SUPERVISOR_PROGRAMS).lstrip("/")
    before, after = ({path.stem for path in (root / programs).glob("*.conf")} for root in (host, clone))
    for name in sorted(before ^ after):
        note(name, "started by supervisord" if name in after else "taken from supervisord")
    return list(found.values())


def runs_on_host(name: str) -> bool:
    """Whether a service of the host runs, as its own script says."""
    script = f"/etc/init.d/{name}"
    if not Path(script).exists():
        return False
    return subprocess.run([script, "status"], capture_output=True, check=False, timeout=30).returncode == 0


def _at_boot(root: Path) -> set[str]:
    links = [each.name for level in _LEVELS for each in _listed(root / f"etc/rc{level}.d")]
    names = {match[1] for each in links if (match := _STARTED_LINK.fullmatch(each))}
    return names | {each.name for each in _listed(root / "etc/runlevels/default")}


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _started(clone: Path) -> list[str]:
    try:
        names: list[str] = json.loads((clone / _REMEMBERED).read_text())
    except (OSError, ValueError):
        return []
    return names
