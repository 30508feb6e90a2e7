from __future__ import annotations

from collections.abc import Sequence

import pytest

from toque.platforms.service import RECORDED, pid1, services_of
from toque.platforms.service.systemd import Systemd
from toque.preview import systemctl
from toque.preview.places import REAL_SYSTEMCTL
from toque.preview.services import recorded
from toque.preview.systemctl import NO_SUCH_UNIT, NOT_ACTIVE, Recorder
from toque.testing.machine import FakeHost, Node

NGINX = "/usr/lib/systemd/system/nginx.service"


class Files:
    """The part of the machine's own program that a recorder leaves to it: what is enabled, and what is masked."""

    def __init__(self) -> None:
        self.states = {"nginx.service": "disabled"}
        self.calls: list[list[str]] = []

    def __call__(self, argv: Sequence[str]) -> tuple[int, str]:
        self.calls.append(list(argv))
        assert argv[0] == "--root=/"
        verb, name = argv[-3], systemctl.unit(argv[-1])
        if verb == "is-enabled":
            state = self.states.get(name, "")
            return (0 if state == "enabled" else 1), f"{state}\n"
        self.states[name] = {"enable": "enabled", "mask": "masked"}.get(verb, "disabled")
        return 0, ""


def a_recorder(**units: str) -> Recorder:
    known = {"units": {f"{name}.service": state for name, state in units.items()}, "actions": []}
    return Recorder(known, Files(), exists=lambda path: path in {NGINX, "/etc/init.d/old"})


def test_a_start_is_recorded_and_the_service_is_said_to_run() -> None:
    recorder = a_recorder()

    assert recorder.answer(["is-active", "nginx"]) == NOT_ACTIVE
    assert recorder.answer(["start", "--", "nginx"]) == 0
    assert recorder.answer(["is-active", "nginx"]) == 0
    assert recorder.known["actions"] == [["start", "nginx.service"]]
    assert recorder.out == ["inactive", "active"]


def test_what_runs_on_the_machine_runs_already() -> None:
    recorder = a_recorder(nginx="active")

    assert recorder.answer(["start", "nginx"]) == 0
    assert recorder.known["actions"] == []


def test_a_reload_of_what_does_not_run_is_none() -> None:
    recorder = a_recorder()

    assert recorder.answer(["try-restart", "nginx"]) == 0
    assert recorder.known["actions"] == []
    assert recorder.answer(["reload-or-restart", "nginx"]) == 0
    assert recorder.known["actions"] == [["reload-or-restart", "nginx.service"]]


def test_a_unit_that_is_not_there_is_refused_as_systemd_does() -> None:
    recorder = a_recorder()

    assert recorder.answer(["start", "nowhere"]) == NO_SUCH_UNIT
    assert recorder.err == ["Unit nowhere.service not found."]


def test_a_masked_unit_cannot_be_started() -> None:
    recorder = a_recorder()
    recorder.answer(["mask", "nginx"])

    assert recorder.answer(["start", "nginx"]) == 1
    assert recorder.answer(["stop", "nginx"]) == 0


def test_what_is_files_the_machines_own_program_does_with_the_clone_as_its_root() -> None:
    recorder = a_recorder()

    assert recorder.answer(["enable", "--now", "nginx"]) == 0
    assert recorder._real.calls == [
        ["--root=/", "enable", "--", "nginx"],
        ["--root=/", "is-enabled", "--", "nginx.service"],
    ]  # type: ignore[attr-defined]
    assert recorder.known["actions"] == [["start", "nginx.service"]]


def test_it_shows_what_is_asked_for() -> None:
    recorder = a_recorder(nginx="active")

    assert recorder.answer(["show", "--property=ActiveState,UnitFileState", "--", "nginx"]) == 0
    assert recorder.out == ["ActiveState=active", "UnitFileState=disabled"]


def test_an_init_script_is_a_generated_unit() -> None:
    recorder = a_recorder()

    assert recorder.answer(["show", "-p", "UnitFileState", "--value", "old"]) == 0
    assert recorder.out == ["generated"]


def test_reading_units_again_does_nothing_and_a_reboot_is_recorded() -> None:
    recorder = a_recorder()

    assert [recorder.answer([verb]) for verb in ("daemon-reload", "reboot")] == [0, 0]
    assert recorder.known["actions"] == [["reboot", ""]]


def test_what_a_recorder_does_not_know_fails_and_says_so() -> None:
    recorder = a_recorder()

    assert recorder.answer(["bind", "nginx"]) == 1
    assert "bind is not known on a clone" in recorder.err[0]


def test_actions_and_unit_files_become_what_a_plan_tells() -> None:
    known = {"actions": [["start", "nginx.service"], ["start", "nginx.service"], ["stop", "cron.service"]]}
    told = recorded(known, {"cron.service": "enabled"}, {"cron.service": "enabled", "nginx.service": "enabled"})

    assert [str(each) for each in told] == [
        "nginx.service enabled, started (recorded, not run)",
        "cron.service stopped (recorded, not run)",
    ]


@pytest.mark.parametrize(("recording", "kind"), [(True, True), (False, False)], ids=["recording", "plain"])
def test_a_clone_that_records_is_spoken_to_as_systemd(recording: bool, kind: bool) -> None:
    there = (pid1.SOCKET, "/run/systemd/system", *([RECORDED] if recording else ()))
    host = FakeHost(files={path: Node() for path in there})

    assert isinstance(services_of(host, "nginx"), Systemd) is kind


def test_the_recorder_and_the_clone_mean_the_same_places() -> None:
    assert (systemctl.REAL, str(systemctl.STATE)) == (REAL_SYSTEMCTL, RECORDED)
