from __future__ import annotations

from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, NotFound, Secret, converge
from toque.resources.cron import Cron, NoCron
from toque.testing.machine import FakeHost, Node


def machine() -> FakeHost:
    return FakeHost(files={"/etc/cron.d": Node("directory", mode=0o755)}, users={"root": 0, "deploy": 4000})


def job(*args: Any, **properties: Any) -> str:
    """The last line of the file that is written."""
    host = machine()
    converge(Cron(*args, **properties), host)
    return (host.read(f"/etc/cron.d/{args[0]}") or b"").decode().splitlines()[-1]


@pytest.mark.parametrize(
    ("times", "line"),
    [
        pytest.param({"schedule": "30  3 * * mon-fri"}, "30 3 * * mon-fri", id="five-fields"),
        pytest.param({"schedule": "*/10,5 0-6/2 1,15 JAN-mar 7"}, "*/10,5 0-6/2 1,15 JAN-mar 7", id="all-kinds"),
        pytest.param({"schedule": "@reboot"}, "@reboot", id="special"),
        pytest.param({"minute": 5, "hour": [3, 15]}, "5 3,15 * * *", id="typed"),
        pytest.param({"weekday": "sun", "minute": "*/2"}, "*/2 * * * sun", id="typed-text"),
    ],
)
def test_when_it_runs_is_said_in_fields_or_by_name(times: dict[str, Any], line: str) -> None:
    assert job("report", command="/bin/report", **times) == f"{line} root /bin/report"


def test_the_file_says_who_runs_it_with_what_and_who_is_told() -> None:
    host = machine()

    converge(
        Cron("report", schedule="@daily", command=["/bin/report", "a b"], user="deploy", mailto="",
             environment={"PATH": "/bin", "MOTTO": 'say "x"'}),
        host,
    )  # fmt: skip

    assert (host.read("/etc/cron.d/report") or b"").decode() == (
        "# Written by Toque: what is changed here is overwritten.\n"
        'MAILTO=""\n'
        "MOTTO='say \"x\"'\n"
        'PATH="/bin"\n'
        "@daily deploy /bin/report 'a b'\n"
    )
    assert host.nodes["/etc/cron.d/report"].mode == 0o600


def test_a_percent_sign_is_what_it_is_and_not_crons_end_of_line() -> None:
    assert job("report", schedule="@daily", command="date +%F%T") == r"@daily root date +\%F\%T"


def test_a_job_can_begin_later_and_never_twice_at_once() -> None:
    line = job("report", schedule="@daily", command="echo it's 100%", lock=True, random_delay=60)

    assert line == (
        "@daily root sleep $(shuf -n 1 -i 0-60); flock -n /etc/cron.d/report /bin/sh -c "
        "'echo it'\"'\"'s 100\\%'"
    )  # fmt: skip


def test_the_file_of_another_users_locked_job_can_be_opened_by_that_user() -> None:
    host = machine()

    converge(Cron("queue", schedule="@hourly", command="/bin/queue", lock=True, user="deploy"), host)

    assert host.nodes["/etc/cron.d/queue"].mode == 0o644


def test_a_link_in_its_place_is_replaced_as_cron_follows_none() -> None:
    host = machine()
    host.add("/etc/cron.d/report", Node("link", to="/srv/report"))
    want = Cron("report", schedule="@daily", command="/bin/report")

    converge(want, host)

    assert host.nodes["/etc/cron.d/report"].kind == "file"


def test_without_a_cron_it_says_what_to_install() -> None:
    with pytest.raises(NoCron, match="package cron or cronie"):
        converge(Cron("report", schedule="@daily", command="/bin/report"), FakeHost())


def test_a_user_that_does_not_exist_is_an_error_and_not_a_job_that_never_runs() -> None:
    host = machine()

    with pytest.raises(NotFound, match="user on this machine called 'nobody-here'"):
        converge(Cron("report", schedule="@daily", command="/bin/report", user="nobody-here"), host)

    assert host.ran == []


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        pytest.param({"name": "a.b"}, "cron leaves out files of other names", id="name"),
        pytest.param({"name": "../a"}, "cron leaves out files of other names", id="path"),
        pytest.param({"schedule": None}, "needs schedule", id="never"),
        pytest.param({"schedule": "@often"}, "five fields", id="special"),
        pytest.param({"schedule": "* * * *"}, "five fields", id="four-fields"),
        pytest.param({"schedule": "* * *\n* *"}, "five fields", id="S22-schedule"),
        pytest.param({"schedule": "60 * * * *"}, "minute must be of 0 to 59", id="minute"),
        pytest.param({"schedule": "* 5-2 * * *"}, "hour must be", id="range"),
        pytest.param({"schedule": "* * */0 * *"}, "day must be", id="step"),
        pytest.param({"schedule": "* * * mon *"}, "month must be", id="month"),
        pytest.param({"schedule": "* * * * mon", "minute": 5}, "minute goes without schedule", id="twice"),
        pytest.param({"schedule": None, "weekday": 8}, "weekday must be", id="weekday"),
        pytest.param({"schedule": None, "minute": "1 * * * * root evil"}, "minute must be", id="S22-field"),
        pytest.param({"command": ""}, "needs a program", id="no-command"),
        pytest.param({"command": "a\nb"}, "must be one line", id="S22-command"),
        pytest.param({"command": "printf 'a\\\\b'"}, "must not hold", id="backslashes"),
        pytest.param({"command": "x" * 1000}, "put it into a script", id="long"),
        pytest.param({"user": "root evil"}, "cron user", id="S22-user"),
        pytest.param({"mailto": "a\nb"}, "mail address", id="S22-mailto"),
        pytest.param({"environment": {"A": "x\ny"}}, "A must be one line", id="S22-environment"),
        pytest.param({"environment": {"A": "'\""}}, "both kinds of quotes", id="quotes"),
        pytest.param({"environment": {"MAILTO": "x"}}, "there is mailto", id="mailto-twice"),
        pytest.param({"environment": {"A": Secret("x")}, "lock": True, "user": "www"}, "is a Secret", id="secret"),
        pytest.param({"environment": {"A": "x" * 991}}, "990 characters", id="environment-too-long"),
        pytest.param(
            {"command": Secret("/bin/x -p hush"), "lock": True, "user": "www"}, "is a Secret", id="secret-text"
        ),
        pytest.param({"command": ["/x", Secret("hush")], "lock": True, "user": "www"}, "is a Secret", id="secret-word"),
        pytest.param({"random_delay": -1}, "0 or more", id="delay"),
    ],
)
def test_S22_what_cannot_be_a_job_is_refused(properties: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadProperty, match=complaint):
        Cron(**{"name": "a", "command": "/bin/true", "schedule": "@daily", **properties})


def with_job() -> FakeHost:
    host = machine()
    host.add("/etc/cron.d/report", Node(content=b"* * * * * root old\n", mode=0o644))
    return host


CASES = [
    Case(Cron("report", schedule="@daily", command="/bin/report", lock=True), machine),
    Case(Cron("report", minute=5, command="/bin/report"), with_job),
    Case(Cron("report", present=False), with_job),
    Case(Cron("report", present=False), machine),
]
