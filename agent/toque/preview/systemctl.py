"""A `systemctl` for clones: it records what it is asked to do to services, and answers as if that had been done.

There is no systemd in a clone that could start anything. What is files (enable, disable, mask) the machine's own
program does, with `--root=/`; what is running is kept in a JSON file that began as a copy of what runs on the machine.
Kept to the standard library, as it stands in for a small program.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STATE = Path("/run/toque/services.json")
REAL = "/run/toque/preview/systemctl"
FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
SCRIPTS = "/etc/init.d"

_SUFFIXES = (".service", ".socket", ".timer", ".path", ".mount", ".automount", ".swap", ".target", ".slice", ".device")
_ON_FILES = {"enable", "disable", "reenable", "preset", "mask", "unmask", "link", "revert", "add-wants", "add-requires"}
_ASKS_FILES = {"is-enabled", "list-unit-files", "get-default", "set-default"}
_NOTHING_TO_DO = {"daemon-reload", "daemon-reexec", "reset-failed", "import-environment", "set-environment"}
_OF_THE_MACHINE = {"reboot", "poweroff", "halt", "kexec", "suspend", "hibernate", "isolate", "rescue", "emergency"}
_STARTS = {"start", "restart", "reload-or-restart", "force-reload", "reload-or-try-restart"}
_IF_UP = {"reload", "try-restart", "condrestart", "try-reload-or-restart", "reload-or-try-restart", "kill"}
_TAKE_A_VALUE = {"-p", "-t", "-n", "-o", "-s", "-H", "-M", "--property", "--type", "--state", "--output", "--signal"}
NO_SUCH_UNIT, NOT_ACTIVE, UNKNOWN = 5, 3, 4


class Recorder:
    """What is known of the services, and what is answered from it. `real` runs the machine's own program."""

    def __init__(
        self,
        known: dict[str, Any],
        real: Callable[[Sequence[str]], tuple[int, str]],
        exists: Callable[[str], bool] = lambda path: Path(path).exists(),
    ) -> None:
        self.known, self._real, self._exists = known, real, exists
        self.out: list[str] = []
        self.err: list[str] = []

    def answer(self, argv: Sequence[str]) -> int:
        """One call, without the program's name; its exit code."""
        options, words = _split(argv)
        if "--user" in options or "--global" in options:
            return self._of_users(options, words)
        verb, names = (words[0], [unit(name) for name in words[1:]]) if words else ("list-units", [])
        if verb in _ON_FILES:
            return self._on_files(verb, words[1:], names, options)
        if verb in _ASKS_FILES:
            code, said = self._real(["--root=/", *options, verb, "--", *words[1:]])
            self.out += said.splitlines()
            return code
        if verb in _OF_THE_MACHINE:
            self._record(verb, "")
            return 0
        if verb in _NOTHING_TO_DO:
            return 0
        return self._on_services(verb, names, options)

    def _of_users(self, options: list[str], words: list[str]) -> int:
        if "--global" in options:
            code, said = self._real(["--root=/", *options, *words])
            self.out += said.splitlines()
            return code
        self._record(f"--user {' '.join(words[:1])}", " ".join(words[1:]))
        return 0

    def _on_files(self, verb: str, given: list[str], names: list[str], options: list[str]) -> int:
        now, runtime = "--now" in options, [each for each in options if each != "--now"]
        code, said = self._real(["--root=/", *runtime, verb, "--", *given])
        self.out += said.splitlines()
        if code == 0 and now and verb in ("enable", "disable", "mask"):
            return self._on_services("start" if verb == "enable" else "stop", names, options)
        return code

    def _on_services(self, verb: str, names: list[str], options: list[str]) -> int:
        match verb:
            case "show":
                return self._show(names, options)
            case "is-active" | "is-failed" | "status":
                return self._judge(verb, names, options)
            case "is-system-running":
                self.out.append("running")
                return 0
            case "list-units":
                self.out += [f"{name} loaded {self._active(name)}" for name in sorted(self.known["units"])]
                return 0
            case "stop":
                return self._each(names, self._stop)
        if verb in _STARTS or verb in _IF_UP:
            return self._each(names, lambda name: self._start(verb, name))
        self.err.append(f"systemctl: {verb} is not known on a clone, where services are recorded and not run")
        return 1

    def _each(self, names: list[str], act: Callable[[str], None]) -> int:
        for name in names:
            if not self._is_there(name):
                self.err.append(f"Unit {name} not found.")
                return NO_SUCH_UNIT
            if self._file_state(name).startswith("masked") and act != self._stop:
                self.err.append(f"Unit {name} is masked.")
                return 1
        for name in names:
            act(name)
        return 0

    def _start(self, verb: str, name: str) -> None:
        is_up = self._active(name) == "active"
        if (verb in _IF_UP and not is_up) or (verb == "start" and is_up):
            return
        if verb != "kill":
            self.known["units"][name] = "active"
        self._record(verb, name)

    def _stop(self, name: str) -> None:
        if self._active(name) == "active":
            self.known["units"][name] = "inactive"
            self._record("stop", name)

    def _record(self, verb: str, name: str) -> None:
        self.known["actions"].append([verb, name])

    def _active(self, name: str) -> str:
        return str(self.known["units"].get(name, "inactive"))

    def _judge(self, verb: str, names: list[str], options: list[str]) -> int:
        wanted = "failed" if verb == "is-failed" else "active"
        quiet = "--quiet" in options or "-q" in options
        states = [self._active(name) for name in names]
        if not quiet:
            said = [f"{name}: {state}" for name, state in zip(names, states, strict=True)]
            self.out += said if verb == "status" else states
        if any(state == wanted for state in states):
            return 0
        return UNKNOWN if verb == "status" and not any(map(self._is_there, names)) else NOT_ACTIVE

    def _show(self, names: list[str], options: list[str]) -> int:
        given = [option for option in options if option.startswith(("--property=", "-p"))]
        asked = [each for option in given for each in option.removeprefix("-p").rpartition("=")[2].split(",") if each]
        values_only = "--value" in options
        for number, name in enumerate(names or [""]):
            facts = self._facts(name)
            shown = {key: facts.get(key, "") for key in asked} if asked else facts
            self.out += ([""] if number else []) + [v if values_only else f"{k}={v}" for k, v in shown.items()]
        return 0

    def _facts(self, name: str) -> dict[str, str]:
        if not name:
            return {"SystemState": "running", "Virtualization": "toque"}
        active = self._active(name)
        is_there = self._is_there(name)
        return {
            "Id": name,
            "Names": name,
            "LoadState": "loaded" if is_there else "not-found",
            "ActiveState": active,
            "SubState": "running" if active == "active" else "dead",
            "UnitFileState": self._file_state(name) if is_there else "",
            "FragmentPath": next((path for path in self._places(name) if self._exists(path)), ""),
            "NeedDaemonReload": "no",
            "MainPID": "0",
            "Result": "success",
            "NRestarts": "0",
        }

    def _file_state(self, name: str) -> str:
        if not any(self._exists(path) for path in self._places(name)) and self._exists(self._script(name)):
            return "generated"
        _, said = self._real(["--root=/", "is-enabled", "--", name])
        return said.strip().splitlines()[0] if said.strip() else ""

    def _is_there(self, name: str) -> bool:
        known = name in self.known["units"] or self._exists(self._script(name))
        return known or any(self._exists(path) for path in self._places(name))

    def _places(self, name: str) -> list[str]:
        template = f"{name.partition('@')[0]}@{name[name.rfind('.') :]}" if "@" in name else name
        return [f"{folder}/{each}" for each in dict.fromkeys((name, template)) for folder in FOLDERS]

    def _script(self, name: str) -> str:
        return f"{SCRIPTS}/{name.removesuffix('.service')}"


def unit(name: str) -> str:
    """The whole name of a unit."""
    return name if name.endswith(_SUFFIXES) else f"{name}.service"


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """(options, the other words). An option's value is joined to it."""
    options: list[str] = []
    words: list[str] = []
    left = list(argv)
    while left:
        word = left.pop(0)
        if word == "--":
            return options, words + left
        if not word.startswith("-"):
            words.append(word)
        elif word in _TAKE_A_VALUE and left:
            options.append(f"{word}={left.pop(0)}")
        else:
            options.append(word)
    return options, words


@contextmanager
def _state() -> Any:
    with STATE.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        known: dict[str, Any] = json.load(file)
        before = json.dumps(known)
        yield known
        if (after := json.dumps(known)) != before:
            file.seek(0)
            file.write(after)
            file.truncate()


def _run_real(argv: Sequence[str]) -> tuple[int, str]:
    done = subprocess.run([REAL, *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def main() -> int:
    with _state() as known:
        recorder = Recorder(known, _run_real)
        code = recorder.answer(sys.argv[1:])
    sys.stdout.write("".join(f"{line}\n" for line in recorder.out))
    sys.stderr.write("".join(f"{line}\n" for line in recorder.err))
    return code
