"""The options that every word has, on a machine in memory; time limits and umasks on this one."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from toque import execute, file, git, service, user
from toque.core import CommandFailed, LocalHost, Ran, ResourceFailed, Run
from toque.core.ledger import Ledger
from toque.core.report import Report
from toque.testing.machine import FakeHost, Node, Unit

STOP, RELOAD = "systemctl stop -- nginx", "systemctl reload-or-restart -- nginx"


def machine(**more: Any) -> FakeHost:
    return FakeHost(units={"nginx": Unit(active=True)}, **more)


def test_a_program_is_killed_when_its_resource_gives_it_no_more_time() -> None:
    with pytest.raises(ResourceFailed) as failed, Run(LocalHost()):
        execute(["sleep", "60"], timeout=0.05)

    assert isinstance(failed.value.cause, CommandFailed)
    assert failed.value.cause.ran.code == 124
    assert "out of time" in str(failed.value)


def test_the_time_limit_holds_for_guards_too() -> None:
    with pytest.raises(ResourceFailed, match="out of time"), Run(LocalHost()):
        file("/tmp/never", content="x", only_if=["sleep", "60"], timeout=0.05)


def test_the_time_limit_holds_for_actions_too() -> None:
    with pytest.raises(ResourceFailed, match="out of time"), Run(LocalHost()):
        slow = execute(["sleep", "60"], when_told=True, timeout=0.05)
        slow.run()


def test_what_a_program_makes_gets_the_umask_of_its_resource(tmp_path: Path) -> None:
    with Run(LocalHost()):
        execute(["touch", f"{tmp_path}/a"], creates=f"{tmp_path}/a", umask="0077")

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_it_is_tried_again_until_its_function_says_yes() -> None:
    answers = iter([Ran(out="starting"), Ran(out="starting"), Ran(out="ready")])
    host = FakeHost(answers={("ask",): lambda host: next(answers)})

    with Run(host):
        asked = execute(["ask"], retries=5, retry_delay=0, retry_until=lambda it: it.out == "ready")

    assert host.ran == ["ask"] * 3
    assert (asked.changed, asked.out) == (True, "ready")


def test_what_never_says_yes_is_a_failure() -> None:
    with pytest.raises(ResourceFailed, match="retry_until says no after 3 of 3 tries"), Run(FakeHost()):
        file("/etc/a", content="x", retries=2, retry_delay=0, retry_until=lambda it: False)


def test_a_change_of_the_first_try_counts_though_the_second_finds_nothing_to_do() -> None:
    answers = iter([False, True])

    with Run(FakeHost()):
        made = file("/etc/a", content="x", retries=1, retry_delay=0, retry_until=lambda it: next(answers))

    assert made.changed


def test_what_holds_when_creating_is_left_alone_later() -> None:
    host = FakeHost()
    first = {"content": "first\n", "mode": "0600"}

    with Run(host):
        file("/etc/a", when_creating=first)
        host.nodes["/etc/a"] = Node(content=b"edited\n", mode=0o644)
        again = file("/etc/a", when_creating=first)

    assert host.ran == ["write /etc/a"]
    assert not again.changed
    assert host.read("/etc/a") == b"edited\n"


def test_a_dry_run_shows_what_a_new_one_would_get() -> None:
    log: list[str] = []

    with Run(FakeHost(), dry_run=True, report=Report(say=log.append)):
        file("/etc/a", when_creating={"content": "first\n"})

    assert "+first" in "\n".join(log)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"timeout": 0}, "file timeout must be more than 0 seconds, got 0", id="no-time"),
        pytest.param({"umask": "22"}, "file umask: mode must be three or four octal digits", id="umask"),
        pytest.param({"retries": -1}, "file retries must not be less than 0", id="retries"),
        pytest.param({"tags": "web"}, "file tags must be a list of str; got str", id="tags"),
        pytest.param({"tags": ["a b"]}, "file tags must be words such as", id="tag"),
        pytest.param({"ignore_failure": "loud"}, "file ignore_failure must be bool or 'quiet'", id="ignore"),
        pytest.param({"on_failure": "stop"}, "file on_failure must be 'keep' or 'run' or 'drop'", id="on-failure"),
        pytest.param({"when_creating": {"mdoe": "0600"}}, r"has no property mdoe \(did you mean mode", id="unknown"),
        pytest.param({"when_creating": {"mode": 600}}, "file when_creating: mode must be str", id="type"),
        pytest.param({"when_creating": {"mode": "9"}}, "file mode must be three or four octal", id="value"),
        pytest.param({"when_creating": {"path": "/b"}}, "must not hold path", id="identity"),
        pytest.param({"when_creating": {"notify": []}}, "must not hold notify", id="option"),
    ],
)
def test_a_wrong_option_is_named_with_what_would_be_right(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ResourceFailed, match=says), Run(FakeHost()):
        file("/etc/a", **given)


def test_an_action_is_taken_before_the_change_and_only_when_there_is_one() -> None:
    host = machine()

    with Run(host):
        nginx = service("nginx", running=None)
        for _ in range(2):
            file("/opt/nginx", content="new", notify_before=[nginx.stop])

    assert host.ran == [STOP, "write /opt/nginx"]


def test_an_action_before_the_change_is_taken_once_however_often_the_change_is_tried() -> None:
    answers = iter([Ran(code=1), Ran()])
    host = machine(answers={("build",): lambda host: next(answers)})

    with Run(host):
        nginx = service("nginx", running=None)
        execute(["build"], notify_before=[nginx.stop], retries=1, retry_delay=0)

    assert host.ran == [STOP, "build", "build"]


def test_a_change_is_not_made_when_the_action_before_it_fails() -> None:
    host = machine()

    with pytest.raises(ResourceFailed), Run(host):
        other = service("other", running=None)
        file("/etc/a", content="x", notify_before=[other.stop])

    assert host.read("/etc/a") is None


def test_a_dry_run_tells_the_action_before_the_change() -> None:
    host, log = machine(), list[str]()

    with Run(host, dry_run=True, report=Report(say=log.append)):
        nginx = service("nginx", running=None)
        file("/etc/a", content="x\n", notify_before=[nginx.stop])

    assert host.ran == []
    assert log[0] == "service[nginx] would stop (before file[/etc/a] changes)"


def test_a_quiet_failure_is_counted_and_reported_but_not_logged() -> None:
    log, lines = list[str](), io.StringIO()

    with Run(FakeHost(answers={("bad",): Ran(code=1)}), report=Report(say=log.append, lines=lines)) as run:
        execute(["bad"], ignore_failure="quiet")

    assert log == []
    assert run.report.counts["ignored"] == 1
    assert json.loads(lines.getvalue())["reason"] == "bad ended with exit code 1"


@pytest.mark.parametrize(
    ("policies", "at_once", "by_the_next_run"),
    [
        pytest.param(["keep"], 0, 1, id="keep"),
        pytest.param(["run"], 1, 0, id="run"),
        pytest.param(["drop"], 0, 0, id="drop"),
        pytest.param(["drop", "keep"], 0, 1, id="kept-for-another"),
        pytest.param(["keep", "run", "drop"], 1, 0, id="run-for-another"),
    ],
)
def test_what_becomes_of_a_notification_when_the_run_fails(
    tmp_path: Path, policies: list[Any], at_once: int, by_the_next_run: int
) -> None:
    host, ledger = machine(), tmp_path / "ledger"

    def recipe() -> None:
        nginx = service("nginx", running=None)
        for number, policy in enumerate(policies):
            file(f"/etc/{number}", content="x", notify=[nginx.reload], on_failure=policy)

    with pytest.raises(RuntimeError), Run(host, ledger=Ledger(ledger)):
        recipe()
        raise RuntimeError("no")
    assert host.ran.count(RELOAD) == at_once

    with Run(host, ledger=Ledger(ledger)):
        recipe()
    assert host.ran.count(RELOAD) == at_once + by_the_next_run


def test_an_action_that_fails_when_the_run_failed_already_hides_neither() -> None:
    host, log = machine(), list[str]()

    with pytest.raises(RuntimeError, match="the first"), Run(host, report=Report(say=log.append)):
        other = service("other", running=None)
        file("/etc/a", content="x", notify=[other.stop], on_failure="run")
        raise RuntimeError("the first")

    assert any("Unit other.service not found" in line for line in log)


def test_tags_stand_in_the_report() -> None:
    lines = io.StringIO()

    with Run(FakeHost(), report=Report(lines=lines)):
        file("/etc/a", content="x", tags=["web", "team:blue"])

    assert json.loads(lines.getvalue())["tags"] == ["web", "team:blue"]


def test_a_resource_tells_what_became_of_it() -> None:
    host = FakeHost(files={"/etc/a": "old\n"}, answers={("date",): Ran(out="today\n", err="late\n")})

    with Run(host):
        changed = file("/etc/a", content="new\n")
        skipped = file("/etc/b", content="new\n", not_if=lambda: True)
        ran = execute(["date"])
        idle = execute(["date"], unless=["true"])

    assert "-old\n+new" in changed.diff
    assert (skipped.skipped, skipped.diff) == (True, "")
    assert skipped.outcome is not None
    assert skipped.outcome.reason == "not_if says yes"
    assert ran.outcome is not None
    assert dict(ran.outcome.outputs) == {"out": "today\n", "err": "late\n", "exit_code": 0}
    assert ran.outcome.duration > 0
    assert idle.out is None


def test_options_can_be_given_to_every_word() -> None:
    assert git.__wrapped__.known_before == {"old_sha"}  # type: ignore[attr-defined]
    with Run(FakeHost()):
        assert user("alice", tags=["people"], only_if=lambda: False).skipped


def test_a_resource_of_a_recipe_is_like_one_that_its_class_made() -> None:
    def check(path: str) -> bool:
        return True

    given: dict[str, Any] = {"content": "x", "verify": check, "tags": ["a"]}
    with Run(FakeHost()):
        word, by_hand = file("/etc/a", **given), file.__wrapped__("/etc/a", **given)  # type: ignore[attr-defined]

    assert word == by_hand
    assert repr(word) == repr(by_hand)
