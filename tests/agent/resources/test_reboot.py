from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Ran, ResourceFailed, Run
from toque.core.boots import Boots, RestartNow
from toque.resources.file import File
from toque.resources.reboot import Reboot
from toque.resources.service import Service
from toque.testing.machine import FakeHost, Unit

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def machine(boot: str = "first", **files: str) -> FakeHost:
    return FakeHost(files={BOOT_ID: f"{boot}\n", **files}, units={"nginx": Unit(active=True)})


def status(run: Run, want: Reboot) -> str:
    return run.converge(want).status


def test_a_reboot_is_asked_for_once_and_for_the_end_of_the_run() -> None:
    with Run(machine()) as run:
        assert status(run, Reboot("new kernel")) == "changed"
        assert status(run, Reboot("new libc")) == "unchanged"

    assert run.reboot == "new kernel"


def test_what_was_asked_for_can_be_taken_back() -> None:
    with Run(machine()) as run:
        run.request_reboot("new kernel")
        assert status(run, Reboot("no, at night", present=False)) == "changed"
        assert status(run, Reboot("no, at night", present=False)) == "unchanged"

    assert run.reboot == ""


def test_a_plan_says_what_it_would_ask_for_and_goes_on() -> None:
    with Run(machine(), dry_run=True) as run:
        assert status(run, Reboot("new kernel", when="now")) == "would-change"
        assert status(run, Reboot("new libc")) == "would-change"

    assert (run.reboot, run.boots.restarting) == ("", "")


class NeedsRestarting:
    """Fedora's program, of which the exit code 1 says that a boot is due."""

    def __init__(self, code: int) -> None:
        self.code = code

    def look(self, argv: list[str], host: FakeHost) -> Ran | None:
        return Ran(code=self.code) if argv == ["needs-restarting", "-r"] else None

    def do(self, argv: list[str], host: FakeHost) -> Ran | None:
        return None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param(machine(), "unchanged", id="no-flag"),
        pytest.param(FakeHost(files={"/run/reboot-required": ""}), "changed", id="debian"),
        pytest.param(FakeHost(files={"/run/reboot-needed": ""}), "changed", id="suse"),
        pytest.param(FakeHost(programs=[NeedsRestarting(1)], paths=["/usr/bin/needs-restarting"]), "changed", id="dnf"),
        pytest.param(
            FakeHost(programs=[NeedsRestarting(0)], paths=["/usr/bin/needs-restarting"]), "unchanged", id="dnf-not"
        ),
    ],
)
def test_only_where_the_system_waits_for_it(host: FakeHost, expected: str) -> None:
    with Run(host) as run:
        assert status(run, Reboot("updates", only_if_pending=True)) == expected


def resuming(path: Path, asked: str = "{}") -> Boots:
    path.write_text(asked)
    return Boots(path, resumes=True)


def test_now_ends_the_run_at_its_line_and_is_done_after_the_boot(tmp_path: Path) -> None:
    run = Run(machine())
    run.boots = resuming(tmp_path / "boots.json")
    with pytest.raises(RestartNow), run:
        run.converge(Reboot("new kernel", when="now"))
    assert run.boots.restarting == "new kernel"

    again = Run(machine("second"))
    again.boots = resuming(tmp_path / "boots.json", '{"new kernel": "first"}')
    with again:
        assert status(again, Reboot("new kernel", when="now")) == "unchanged"
        with pytest.raises(RestartNow):
            again.converge(Reboot("another", when="now"))


def test_no_except_of_a_recipe_keeps_the_run_from_ending(tmp_path: Path) -> None:
    run = Run(machine())
    run.boots = resuming(tmp_path / "boots.json")
    reached = []

    with pytest.raises(RestartNow), run:
        try:
            run.converge(Reboot("new kernel", when="now"))
        except Exception:  # noqa: BLE001 (as recipes do)
            reached.append("here")

    assert reached == []


def test_what_is_owed_is_delivered_after_the_boot(tmp_path: Path) -> None:
    from toque.core.ledger import Ledger

    host = machine()
    conf = File("/etc/nginx.conf", content="new")
    run = Run(host, ledger=Ledger(tmp_path / "ledger.jsonl"))
    run.boots = resuming(tmp_path / "boots.json")
    with pytest.raises(RestartNow), run:
        run.converge(conf)
        run.converge(Reboot("new kernel", when="now"))
    assert "systemctl restart -- nginx" not in host.ran

    with Run(host, ledger=Ledger(tmp_path / "ledger.jsonl")) as again:
        again.converge(File("/etc/nginx.conf", content="new"))
        again.converge(Service("nginx", restart_on=[conf]))

    assert host.ran[-1] == "systemctl restart -- nginx"


def test_a_command_that_asks_for_a_boot_each_time_is_stopped(tmp_path: Path) -> None:
    run = Run(machine("fourth"))
    run.boots = resuming(tmp_path / "boots.json", '{"at 1": "first", "at 2": "second", "at 3": "third"}')

    with pytest.raises(ResourceFailed, match="restarted its machine 3 times in its middle"), run:
        run.converge(Reboot("at 4", when="now"))


def test_without_an_agent_it_stops_until_somebody_has_restarted_the_machine(tmp_path: Path) -> None:
    def applied(boot: str) -> str:
        with Run(machine(boot)) as run:
            run.boots = Boots(tmp_path / "apply" / "site.boots")
            return status(run, Reboot("new kernel", when="now"))

    for _ in range(2):
        with pytest.raises(ResourceFailed, match="restart it yourself, then apply the recipe once more"):
            applied("first")

    assert applied("second") == "unchanged"


@pytest.mark.parametrize(
    "reason", [pytest.param("", id="empty"), pytest.param("a\nb", id="S22-lines"), pytest.param("x" * 101, id="long")]
)
def test_a_reason_is_one_line(reason: str) -> None:
    with pytest.raises(BadProperty, match="reboot reason must be one line"):
        Reboot(reason)


def example_machine() -> FakeHost:
    """With a system that waits for a boot."""
    return machine(**{"/run/reboot-required": ""})


CASES: list[Any] = [
    Case(Reboot("updates", only_if_pending=True), machine),
    Case(Reboot("not now", present=False), machine),
]
