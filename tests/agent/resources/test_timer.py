from __future__ import annotations

from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, converge
from toque.resources.timer import NoTimers, Timer
from toque.testing.machine import FakeHost, Unit

BACKUP = Timer(
    "backup",
    command=["/usr/local/bin/backup", "--to", "100%"],
    calendar=["*-*-* 03:30", "Sun 12:00"],
    random_delay=600,
    persistent=True,
    user="deploy",
    cwd="/srv",
    environment={"KEEP": "7", "TOKEN": Secret('a"b')},
)


def machine() -> FakeHost:
    return FakeHost(units={"nginx": Unit()}, users={"root": 0, "deploy": 4000})


def text(host: FakeHost, path: str) -> str:
    return (host.read(f"/etc/systemd/system/{path}") or b"").decode()


def test_a_timer_is_a_pair_of_units_of_which_only_the_timer_is_enabled_and_started() -> None:
    host = machine()

    converge(BACKUP, host)

    assert 'Type=oneshot\nExecStart="/usr/local/bin/backup" "--to" "100%%"\n' in text(host, "backup.service")
    assert "WorkingDirectory=/srv\nUser=deploy\n" in text(host, "backup.service")
    assert ("[Timer]\nOnCalendar=*-*-* 03:30\nOnCalendar=Sun 12:00\nRandomizedDelaySec=600\nPersistent=yes\n") in text(
        host, "backup.timer"
    )
    assert host.units["backup.timer"] == Unit(active=True, enabled=True)
    assert not host.units["backup"].active


def test_S24_its_environment_is_for_root_only() -> None:
    host = machine()

    converge(BACKUP, host)

    assert host.nodes["/etc/toque/services/backup.timer.env"].mode == 0o600
    assert host.read("/etc/toque/services/backup.timer.env") == b'KEEP="7"\nTOKEN="a\\"b"\n'
    assert 'a\\"b' not in text(host, "backup.service")


def test_another_time_is_read_by_systemd_at_once() -> None:
    host = machine()
    converge(Timer("backup", command="/bin/true", calendar="daily"), host)
    host.ran.clear()

    converge(Timer("backup", command="/bin/true", calendar="hourly"), host)

    assert host.ran[-2:] == ["systemctl daemon-reload", "systemctl restart -- backup.timer"]


def test_what_is_taken_away_leaves_nothing() -> None:
    host = machine()
    converge(BACKUP, host)

    converge(Timer("backup", present=False), host)

    assert [path for path in host.nodes if "backup" in path] == []
    assert host.units["backup.timer"] == Unit()


def test_without_systemd_cron_is_what_to_use() -> None:
    with pytest.raises(NoTimers, match="use `cron` here"):
        converge(BACKUP, FakeHost())


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        pytest.param({"name": "a.timer"}, "without .timer at its end", id="kind"),
        pytest.param({"name": "../a"}, "letters, digits", id="path"),
        pytest.param({"command": ""}, "needs a program", id="no-command"),
        pytest.param({"command": "echo 'x"}, "cannot be split", id="quotes"),
        pytest.param({"calendar": []}, "needs calendar", id="never"),
        pytest.param({"calendar": "daily\nUnit=x"}, "must be a time", id="S22-calendar"),
        pytest.param({"calendar": "daily\\"}, "must be a time", id="S22-calendar-goes-on"),
        pytest.param({"calendar": "daily\rUnit=x"}, "must be a time", id="S22-calendar-return"),
        pytest.param({"command": Secret("/bin/x --token hush")}, "must hold no Secret", id="secret"),
        pytest.param({"command": ["+/bin/true"]}, "must begin with a program", id="S22-command"),
        pytest.param({"random_delay": -1.0}, "0 or more", id="delay"),
        pytest.param({"user": "a b"}, "timer user", id="user"),
        pytest.param({"cwd": "srv"}, "absolute path", id="directory"),
        pytest.param({"cwd": "/srv\nUser=root"}, "one line", id="S22-directory"),
        pytest.param({"cwd": "/srv\rUser=root"}, "one line", id="S22-directory-return"),
        pytest.param({"cwd": "/srv\\"}, "without a backslash", id="S22-directory-goes-on"),
        pytest.param({"environment": {"A B": "x"}}, "environment must map", id="S22-environment"),
    ],
)
def test_S22_what_cannot_be_a_timer_is_refused(properties: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadProperty, match=complaint):
        Timer(**{"name": "a", "command": "/bin/true", "calendar": "daily", **properties})


def with_backup() -> FakeHost:
    host = machine()
    converge(BACKUP, host)
    host.ran.clear()
    return host


CASES = [
    Case(BACKUP, machine),
    Case(Timer("backup", command="/bin/true", calendar="daily"), with_backup),
    Case(Timer("backup", present=False), with_backup),
]
