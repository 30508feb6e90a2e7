from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from toque import execute, file, line
from toque.core import (
    Change,
    CommandFailed,
    Host,
    Ran,
    Resource,
    ResourceFailed,
    Run,
    Secret,
    action,
    recipe_word,
    resource,
)
from toque.core.ledger import Ledger
from toque.core.pages import failure_page
from toque.core.report import Report
from toque.core.resource import REGISTRY
from toque.testing.machine import FakeHost, Unit


@dataclass(frozen=True)
class DaemonState:
    running: bool | None


@dataclass(frozen=True)
class Daemon(Resource[DaemonState]):
    """A service, as small as it can be: daemon("nginx")."""

    name: str
    _: KW_ONLY
    running: bool | None = True
    restart_on: list[Resource[Any]] = field(default_factory=list)
    reload_on: list[Resource[Any]] = field(default_factory=list)

    def desired(self) -> DaemonState:
        return DaemonState(self.running)

    def current(self, host: Host) -> DaemonState:
        shown = host.run(["systemctl", "show", "--property=ActiveState,UnitFileState", "--", self.name])
        return DaemonState("ActiveState=active" in shown.out)

    def apply(self, host: Host, change: Change[DaemonState]) -> None:
        host.run(["systemctl", "start", "--", self.name])

    def has_done(self, name: str, change: Change[DaemonState] | None) -> bool:
        return change is not None

    @action
    def restart(self, host: Host) -> None:
        host.run(["systemctl", "restart", "--", self.name])

    @action
    def reload(self, host: Host) -> None:
        host.run(["systemctl", "reload", "--", self.name])


@pytest.fixture(autouse=True)
def daemon_is_a_word() -> Iterator[None]:
    resource("daemon")(Daemon)
    yield
    del REGISTRY["daemon"]


daemon = recipe_word(Daemon)
RESTART, RELOAD = "systemctl restart -- nginx", "systemctl reload -- nginx"


def machine(**more: Any) -> FakeHost:
    return FakeHost(units={"nginx": Unit(active=True)}, **more)


class Log(list[str]):
    """What people read."""

    def report(self) -> Report:
        return Report(say=self.append)


def test_a_word_returns_its_resource_with_what_became_of_it() -> None:
    host = machine()

    with Run(host):
        first = file("/etc/a", content="x")
        second = file("/etc/a", content="x")

    assert first.changed
    assert not second.changed


def test_a_line_is_put_into_a_file_that_is_there() -> None:
    host = machine(files={"/etc/a": "first\n"})

    with Run(host):
        line("/etc/a", line="second")

    assert host.read("/etc/a") == b"first\nsecond\n"


def test_a_service_restarts_at_its_line_when_what_it_depends_on_changed() -> None:
    host = machine()

    with Run(host):
        conf = file("/etc/a", content="x")
        daemon("nginx", restart_on=[conf])
        file("/etc/b", content="y")

    assert host.ran == ["write /etc/a", RESTART, "write /etc/b"]


def test_a_service_that_was_just_started_is_not_restarted() -> None:
    host = FakeHost(units={"nginx": Unit()})

    with Run(host):
        daemon("nginx", restart_on=[file("/etc/a", content="x")])

    assert host.ran == ["write /etc/a", "systemctl start -- nginx"]


def test_a_restart_makes_a_reload_needless() -> None:
    host = machine()

    with Run(host):
        conf = file("/etc/a", content="x")
        daemon("nginx", restart_on=[conf], reload_on=[conf])

    assert host.ran[1:] == [RESTART]


def test_nothing_restarts_when_nothing_changed() -> None:
    host = machine(files={"/etc/a": "x"})

    with Run(host):
        daemon("nginx", restart_on=[file("/etc/a", content="x")])

    assert host.ran == []


def test_a_notification_is_delivered_once_at_the_end_however_many_ask() -> None:
    host = machine()

    with Run(host):
        nginx = daemon("nginx")
        file("/etc/a", content="x", notify=[nginx.reload])
        file("/etc/b", content="y", notify=[nginx.reload])

    assert host.ran == ["write /etc/a", "write /etc/b", RELOAD]


def test_a_notification_now_comes_before_the_next_line() -> None:
    host = machine()

    with Run(host):
        nginx = daemon("nginx")
        file("/etc/a", content="x", notify_now=[nginx.reload])
        file("/etc/b", content="y")

    assert host.ran == ["write /etc/a", RELOAD, "write /etc/b"]


def test_an_action_can_be_taken_on_the_spot() -> None:
    host = machine()

    with Run(host):
        nginx = daemon("nginx")
        if file("/etc/a", content="x").changed:
            nginx.restart()

    assert host.ran == ["write /etc/a", RESTART]


def test_what_a_run_that_died_still_owed_is_delivered_by_the_next(tmp_path: Path) -> None:
    host, ledger = machine(), tmp_path / "ledger"
    with pytest.raises(RuntimeError), Run(host, ledger=Ledger(ledger)):
        nginx = daemon("nginx")
        file("/etc/a", content="x", notify=[nginx.reload])
        raise RuntimeError("the power went out")
    assert RELOAD not in host.ran

    with Run(host, ledger=Ledger(ledger)):
        file("/etc/b", content="y")
    with Run(host, ledger=Ledger(ledger)):
        pass

    assert host.ran.count(RELOAD) == 1
    assert host.ran[-1] == RELOAD


def test_a_service_restarts_for_a_file_that_was_changed_by_a_run_that_died(tmp_path: Path) -> None:
    host, ledger = machine(), tmp_path / "ledger"
    with pytest.raises(RuntimeError), Run(host, ledger=Ledger(ledger)):
        file("/etc/a", content="x")
        raise RuntimeError("the power went out")

    for _ in range(2):
        with Run(host, ledger=Ledger(ledger)):
            daemon("nginx", restart_on=[file("/etc/a", content="x")])

    assert host.ran == ["write /etc/a", RESTART]


def test_a_service_restarts_for_such_a_file_also_when_other_runs_came_between(tmp_path: Path) -> None:
    host, ledger = machine(), tmp_path / "ledger"
    with pytest.raises(RuntimeError), Run(host, ledger=Ledger(ledger)):
        file("/etc/a", content="x")
        raise RuntimeError("the power went out")

    with Run(host, ledger=Ledger(ledger)):
        file("/etc/b", content="y")
    for _ in range(2):
        with Run(host, ledger=Ledger(ledger)):
            daemon("nginx", restart_on=[file("/etc/a", content="x")])

    assert host.ran == ["write /etc/a", "write /etc/b", RESTART]
    assert not ledger.exists()


def test_what_was_delivered_already_is_not_delivered_again_after_other_runs(tmp_path: Path) -> None:
    host, ledger = machine(), tmp_path / "ledger"
    with pytest.raises(RuntimeError), Run(host, ledger=Ledger(ledger)):
        daemon("nginx", restart_on=[file("/etc/a", content="x")])
        raise RuntimeError("the power went out")

    with Run(host, ledger=Ledger(ledger)):
        pass
    with Run(host, ledger=Ledger(ledger)):
        daemon("nginx", restart_on=[file("/etc/a", content="x")])

    assert host.ran == ["write /etc/a", RESTART]


def test_a_torn_line_of_the_ledger_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_text('\n{"changed": "file[/etc/a]"}\n{"owes": ["daem')

    ledger = Ledger(path)
    ledger.changed("file[/etc/b]")

    again = Ledger(path)
    assert again.carries("file[/etc/a]", "daemon[nginx].restart")
    assert again.carries("file[/etc/b]", "daemon[nginx].restart")
    assert again.debts == {}


def test_a_secret_never_stands_in_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with pytest.raises(RuntimeError), Run(machine(answers={("x",): Ran()}), ledger=Ledger(path)):
        told = execute(["x"], when_told=True, input=Secret("correct-horse"))
        file("/etc/a", content="x", notify=[told.run])
        raise RuntimeError

    assert "execute" in path.read_text()
    assert "correct-horse" not in path.read_text()


def test_guards_are_functions_or_programs() -> None:
    host = FakeHost()

    with Run(host):
        file("/etc/a", content="x", only_if=lambda: False)
        file("/etc/b", content="x", not_if=["true"])
        file("/etc/c", content="x", only_if=["true"], not_if=lambda: False)

    assert host.ran == ["write /etc/c"]


@pytest.mark.parametrize("guard", ["test -e /etc/x", True, False])
def test_a_guard_that_is_a_string_or_a_bool_is_refused(guard: Any) -> None:
    with pytest.raises(ResourceFailed, match="only_if must be a function or a list of str"), Run(FakeHost()):
        file("/etc/a", content="x", only_if=guard)


def test_a_failure_is_tried_again_as_often_as_asked() -> None:
    tries = iter([Ran(code=1), Ran(code=1), Ran()])
    host, log = FakeHost(answers={("flaky",): lambda host: next(tries)}), Log()

    with Run(host, report=log.report()):
        execute(["flaky"], retries=2, retry_delay=0)

    assert host.ran == ["flaky"] * 3
    assert "trying again" in log[0]


def test_a_failure_that_may_be_ignored_stays_visible() -> None:
    host, log = FakeHost(answers={("bad",): Ran(code=1)}), Log()

    with Run(host, report=log.report()) as run:
        execute(["bad"], ignore_failure=True)
        file("/etc/a", content="x")

    assert log[0].startswith("execute[bad] failed (ignored): bad ended with exit code 1")
    assert run.report.counts["ignored"] == 1
    assert host.ran[-1] == "write /etc/a"


def test_a_failure_ends_the_run_and_knows_its_line() -> None:
    with pytest.raises(ResourceFailed) as failed, Run(FakeHost(answers={("bad",): Ran(code=1)})):
        execute(["bad"])

    assert isinstance(failed.value.cause, CommandFailed)
    assert failed.value.source.path == __file__
    assert 'execute(["bad"])' in failed.value.source.excerpt()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: file("/etc/a", contnet="x"), r"file has no property contnet \(did you mean content\?\)"),
        (lambda: file("/etc/a", mode=0o644), r'file mode must be str or None, e.g. "0644"; got int'),
        (lambda: file(), "file needs path"),
        (lambda: file("/etc/a", "x"), "file takes path by position, the rest by name; got 2 values"),
        (lambda: file("/etc/a", notify=lambda host: None), "file notify must be a list of Action: put it in a list"),
        (lambda: file("/etc/a", present="no"), "file present must be bool; got str 'no'"),
    ],
)
def test_a_wrong_property_is_named_with_what_would_be_right(wrong: Any, says: str) -> None:
    with pytest.raises(ResourceFailed, match=says), Run(FakeHost()):
        wrong()


def test_a_word_outside_a_run_says_how_to_run_one() -> None:
    with pytest.raises(Exception, match="toque plan FILE"):
        file("/etc/a", content="x")


def test_a_dry_run_touches_nothing_and_says_what_it_would_do() -> None:
    host, log = machine(), Log()

    with Run(host, dry_run=True, report=log.report()):
        conf = file("/etc/a", content="x\n", mode="0600", why="one reason")
        nginx = daemon("nginx", restart_on=[conf])
        file("/etc/b", content="y\n", notify=[nginx.reload])

    assert conf.changed
    assert host.ran == []
    assert log[0] == "file[/etc/a] would be created — one reason"
    assert "    +x" in log[1].splitlines()
    assert log[2] == "daemon[nginx] would restart (file[/etc/a] changed)"
    assert log[-1] == "daemon[nginx] would reload (put off to the end of the run)"


def test_a_dry_run_says_unknown_of_what_an_earlier_change_would_bring() -> None:
    looked = CommandFailed(["tool"], Ran(code=127, err="not found"))

    @dataclass(frozen=True)
    class Needy(Daemon):
        def current(self, host: Host) -> DaemonState:
            raise looked

    log = Log()
    with Run(machine(), dry_run=True, report=log.report()) as run:
        file("/usr/bin/tool", content="x")
        run.declare(Needy, ("nginx",), {})

    assert log[-1] == (
        "daemon[nginx] unknown because file[/usr/bin/tool] above would come first: tool ended with exit code 127"
    )


def test_the_report_has_one_line_per_resource(tmp_path: Path) -> None:
    lines = io.StringIO()

    with Run(FakeHost(), report=Report(lines=lines)) as run, run.inside("web::setup"):
        file("/etc/a", content="x\n")
        file("/etc/a", content="x\n")

    first, second = map(json.loads, lines.getvalue().splitlines())
    assert (first["recipe"], first["word"], first["name"]) == ("web::setup", "file", "/etc/a")
    assert (first["status"], first["changed"]) == ("changed", ["content", "present"])
    assert first["diff"].endswith("+x")
    assert first["source"].startswith(f"{__file__}:")
    assert (second["status"], second["diff"]) == ("unchanged", "")


def test_S14_a_secret_shows_in_no_diff_log_or_report() -> None:
    lines, log = io.StringIO(), Log()
    old, new = "old-password", Secret("new-password")
    host = FakeHost(files={"/etc/a": f"user=me\npassword={old}\n"})

    with Run(host, report=Report(say=log.append, lines=lines)):
        file("/etc/a", content=f"user=me\npassword={new}\n")

    everything = "\n".join(log) + lines.getvalue()
    assert host.read("/etc/a") == b"user=me\npassword=new-password\n"
    assert "password=***" in everything
    assert "new-password" not in everything
    assert "old-password" not in everything


def test_S14_a_secret_argument_shows_in_no_error() -> None:
    secret = Secret("hunter2-hunter2")

    with (
        pytest.raises(ResourceFailed) as failed,
        Run(FakeHost(answers={("x", secret): Ran(code=1, err=f"no {secret}")})),
    ):
        execute(["x", secret])

    assert "hunter2" not in str(failed.value)
    assert "x '***' ended" in str(failed.value) or "x *** ended" in str(failed.value)


def test_a_sensitive_resource_shows_nothing_of_its_content() -> None:
    log = Log()

    with Run(FakeHost(), report=log.report()):
        file("/etc/a", content="whatever\n", sensitive=True)

    assert "whatever" not in "\n".join(log)


def test_the_page_of_what_is_still_wrong_says_wanted_found_and_why() -> None:
    def refuses(host: FakeHost) -> Ran:
        return Ran(err="Job for nginx.service failed\n")

    host = FakeHost(units={"nginx": Unit(broken=True)}, answers={("systemctl", "start", "--", "nginx"): refuses})
    run = Run(host)
    with pytest.raises(ResourceFailed) as failed, run:
        file("/etc/a", content="x")
        daemon("nginx")

    page = failure_page(failed.value, "web::setup", run, Path(__file__).parent).splitlines()
    line = failed.value.source.line
    assert page[:2] == ["daemon[nginx] failed", f"test_run.py:{line}"]
    assert page[3] == f'> {line:4} |         daemon("nginx")'
    assert page[-3:] == [
        "  wanted running=True, found running=False after: systemctl start -- nginx",
        "  systemctl said: Job for nginx.service failed",
        "1 resource before it is in place; the run stopped here",
    ]
