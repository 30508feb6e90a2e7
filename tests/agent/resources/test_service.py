from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, LocalHost, Ran, Run, Secret, converge
from toque.platforms.service import NotUp
from toque.platforms.service.masking import NoMasks
from toque.platforms.service.openrc import NoService
from toque.platforms.service.sysv import NoScript
from toque.resources.file import File
from toque.resources.service import Service
from toque.testing.machine import FakeHost, Node, Unit
from toque.testing.programs.openrc import with_openrc
from toque.testing.programs.sysv import with_scripts


def machine(**units: Unit) -> FakeHost:
    return FakeHost(units={"nginx": Unit(), **units})


def test_a_stopped_unit_is_started() -> None:
    host = machine(nginx=Unit(active=False, enabled=True))

    change = converge(Service("nginx", enabled=True), host)

    assert change is not None
    assert change.fields == {"running"}
    assert host.ran == ["systemctl start -- nginx"]


def test_only_what_differs_is_touched() -> None:
    host = machine(nginx=Unit(active=True, enabled=False))

    converge(Service("nginx", enabled=True), host)

    assert host.ran == ["systemctl enable -- nginx"]


def test_what_the_recipe_does_not_name_is_left_alone() -> None:
    host = machine(nginx=Unit(active=True, enabled=False))

    assert converge(Service("nginx"), host) is None
    assert converge(Service("nginx", running=None), host) is None


def test_a_unit_that_does_not_stay_up_is_an_error_and_not_a_change() -> None:
    host = machine(nginx=Unit(broken=True))

    with pytest.raises(NotUp, match="service nginx was started and does not stay up"):
        converge(Service("nginx"), host)


def run(host: FakeHost, *resources: Any, dry_run: bool = False) -> None:
    with Run(host, dry_run=dry_run) as going:
        for resource in resources:
            going.converge(resource)


def test_a_service_restarts_when_what_it_depends_on_has_changed() -> None:
    host = machine(nginx=Unit(active=True))
    conf = File("/etc/nginx.conf", content="new")

    run(host, conf, Service("nginx", restart_on=[conf]))
    run(host, conf, Service("nginx", restart_on=[conf]))

    assert host.ran == ["write /etc/nginx.conf", "systemctl restart -- nginx"]


def test_a_service_reloads_when_that_is_what_the_recipe_asks_for() -> None:
    host = machine(nginx=Unit(active=True))
    conf = File("/etc/nginx.conf", content="new")

    run(host, conf, Service("nginx", reload_on=[conf]))

    assert host.ran == ["write /etc/nginx.conf", "systemctl reload-or-restart -- nginx"]


def test_a_service_that_was_just_started_is_not_restarted_as_well() -> None:
    host = machine()
    conf = File("/etc/nginx.conf", content="new")

    run(host, conf, Service("nginx", restart_on=[conf]))

    assert host.ran == ["write /etc/nginx.conf", "systemctl start -- nginx"]


def test_a_service_that_shall_not_run_is_not_started_by_a_restart() -> None:
    host = machine()
    conf = File("/etc/nginx.conf", content="new")

    run(host, conf, Service("nginx", running=False, restart_on=[conf]))

    assert host.ran == ["write /etc/nginx.conf"]


def test_an_action_can_be_given_to_notify() -> None:
    host = machine(nginx=Unit(active=True))
    nginx = Service("nginx")

    run(host, nginx, File("/etc/a", content="1", notify=[nginx.reload]), File("/etc/b", content="2"))

    assert host.ran == ["write /etc/a", "write /etc/b", "systemctl reload-or-restart -- nginx"]


# Masks, and time


def test_a_masked_unit_is_stopped_first_and_cannot_be_started_any_more() -> None:
    host = machine(nginx=Unit(active=True, enabled=True))

    converge(Service("nginx", running=False, enabled=False, masked=True), host)

    assert host.ran == ["systemctl disable -- nginx", "systemctl stop -- nginx", "systemctl mask -- nginx"]
    with pytest.raises(CommandFailed, match="is masked"):
        converge(Service("nginx"), host)


def test_a_mask_goes_before_what_it_kept_from_starting() -> None:
    host = machine(nginx=Unit(masked=True))

    converge(Service("nginx", masked=False, enabled=True), host)

    assert host.ran == ["systemctl unmask -- nginx", "systemctl enable -- nginx", "systemctl start -- nginx"]


def test_where_there_are_no_masks_it_says_what_to_write_instead() -> None:
    host = with_scripts("nginx")

    assert converge(Service("nginx", running=None, masked=False), host) is None
    with pytest.raises(NoMasks, match="say running=False, enabled=False instead"):
        converge(Service("nginx", running=False, masked=True), host)


def test_a_start_that_fails_shows_the_end_of_the_journal() -> None:
    host = machine(nginx=Unit())
    host.answers = {
        ("systemctl", "start", "--", "nginx"): Ran(code=1, err="Job for nginx.service failed. See journalctl -xe"),
    }
    host.programs = [Journal()]

    with pytest.raises(NotUp, match="its log ends:\n    no such directive"):
        converge(Service("nginx"), host)


class Journal:
    """A journal in which something stands."""

    def look(self, argv: list[str], host: FakeHost) -> Ran | None:
        return Ran(out="no such directive\n") if argv[0] == "journalctl" else None

    def do(self, argv: list[str], host: FakeHost) -> Ran | None:
        return None


def test_it_is_waited_for_as_long_as_the_recipe_says() -> None:
    waited = []
    host = with_scripts("nginx", broken={"nginx"})
    host.programs = [Sleeps(waited), *host.programs]

    with pytest.raises(NotUp):
        converge(Service("nginx", timeout=1.5), host)

    assert len(waited) == 15


class Sleeps:
    """Counts how often was waited."""

    def __init__(self, waited: list[str]) -> None:
        self.waited = waited

    def __deepcopy__(self, memo: object) -> Sleeps:
        return self

    def look(self, argv: list[str], host: FakeHost) -> Ran | None:
        if argv[0] == "sleep":
            self.waited.append(argv[1])
        return None

    def do(self, argv: list[str], host: FakeHost) -> Ran | None:
        return None


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        pytest.param({"masked": True}, "goes with running=False", id="masked-and-running"),
        pytest.param(
            {"masked": True, "running": None, "enabled": True}, "goes with running=False", id="masked-enabled"
        ),
        pytest.param({"timeout": 0}, "more than 0 seconds", id="no-time"),
        pytest.param({"command": "/bin/shop", "provider": "openrc"}, "kept by systemd or supervisor", id="provider"),
    ],
)
def test_what_contradicts_itself_is_refused(properties: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadProperty, match=complaint):
        Service("nginx", **properties)


# OpenRC


def test_where_openrc_runs_services_are_started_and_enabled_by_it() -> None:
    host = with_openrc("nginx")

    converge(Service("nginx", enabled=True), host)

    assert host.ran == ["rc-update add nginx default", "rc-service nginx start"]


def test_openrc_takes_a_service_out_of_every_runlevel_it_is_in() -> None:
    host = with_openrc("nginx", enabled=True, running={"nginx"})
    host.add("/etc/runlevels/boot/nginx", Node("link", to="/etc/init.d/nginx"))

    converge(Service("nginx", running=False, enabled=False), host)

    assert host.ran == ["rc-update del nginx boot", "rc-update del nginx default", "rc-service nginx stop"]


@pytest.mark.parametrize(
    ("script", "action"),
    [
        pytest.param(b'extra_started_commands="reload check"\n', "reload", id="known"),
        pytest.param(b'extra_commands="check"\n', "restart", id="unknown"),
    ],
)
def test_openrc_reloads_what_knows_how_to(script: bytes, action: str) -> None:
    host = with_openrc("nginx", running={"nginx"}, script=script)

    Service("nginx").reload_or_restart(host)

    assert host.ran == [f"rc-service nginx {action}"]


def test_a_service_that_openrc_does_not_know_is_named_with_what_to_do() -> None:
    with pytest.raises(NoService, match="install its package first"):
        converge(Service("nginx"), with_openrc())


# A program of one's own


SHOP = Service(
    "shop",
    command=["/usr/bin/python3", "-m", "shop", "100%", "$HOME"],
    cwd="/srv/shop",
    user="deploy",
    environment={"PORT": "8080", "TOKEN": Secret('a"b`c$d')},
    enabled=True,
)


def test_a_program_is_declared_as_a_unit_where_systemd_runs() -> None:
    host = machine()

    converge(SHOP, host)

    unit = (host.read("/etc/systemd/system/shop.service") or b"").decode()
    assert 'ExecStart="/usr/bin/python3" "-m" "shop" "100%%" "$$HOME"\n' in unit
    assert "WorkingDirectory=/srv/shop\nUser=deploy\n" in unit
    assert host.units["shop"] == Unit(active=True, enabled=True)


def test_S24_its_environment_is_for_root_only() -> None:
    host = machine()

    converge(SHOP, host)

    assert host.nodes["/etc/toque/services/shop.env"].mode == 0o600
    assert host.read("/etc/toque/services/shop.env") == b'PORT="8080"\nTOKEN="a\\"b\\`c\\$d"\n'
    assert not any(b"a\\" in node.content for path, node in host.nodes.items() if not path.endswith(".env"))
    assert not [line for line in host.ran if "a\\" in line]


def test_a_new_declaration_restarts_what_runs_and_leaves_alone_what_does_not() -> None:
    host = machine()
    converge(Service("shop", command="/bin/old"), host)
    host.ran.clear()

    converge(Service("shop", command="/bin/new"), host)
    converge(Service("shop", command="/bin/new", running=False), host)
    converge(Service("shop", command="/bin/newest", running=False), host)

    assert [line for line in host.ran if line.startswith("systemctl")] == [
        "systemctl daemon-reload",
        "systemctl restart -- shop",
        "systemctl stop -- shop",
        "systemctl daemon-reload",
    ]


def test_what_was_declared_can_be_taken_away_again() -> None:
    host = machine()
    converge(SHOP, host)

    change = converge(Service("shop", present=False), host)

    assert change is not None
    assert host.read("/etc/systemd/system/shop.service") is None
    assert host.read("/etc/toque/services/shop.env") is None
    assert host.units["shop"] == Unit()
    assert converge(Service("shop", present=False), host) is None


def test_a_packages_unit_file_is_not_taken_away() -> None:
    host = FakeHost(
        units={"nginx": Unit(active=True, enabled=True)}, files={"/etc/systemd/system/nginx.service": "[Unit]\n"}
    )

    converge(Service("nginx", present=False), host)

    assert host.ran == ["systemctl stop -- nginx", "systemctl disable -- nginx"]


def test_a_command_may_be_a_text_and_is_no_shell() -> None:
    host = machine()

    converge(Service("shop", command="/bin/shop --name 'a b' | cat"), host)

    unit = host.read("/etc/systemd/system/shop.service") or b""
    assert b'ExecStart="/bin/shop" "--name" "a b" "|" "cat"\n' in unit


# Scripts in /etc/init.d


def test_a_script_starts_what_is_stopped() -> None:
    host = with_scripts("nginx")

    converge(Service("nginx", enabled=True), host)

    assert host.ran == ["update-rc.d nginx defaults", "service nginx start"]


def test_a_script_is_disabled_and_enabled_by_its_links() -> None:
    host = with_scripts("nginx", enabled=True, running={"nginx"})

    converge(Service("nginx", enabled=False), host)
    converge(Service("nginx", enabled=True), host)

    assert host.ran == ["update-rc.d nginx disable", "update-rc.d nginx enable"]


def test_a_script_whose_daemon_ends_is_an_error_with_the_end_of_its_log() -> None:
    host = with_scripts("nginx", broken={"nginx"})
    host.add("/var/log/nginx/access.log", "GET /\n")
    host.add("/var/log/nginx/error.log", "bind() to 0.0.0.0:80 failed\n")

    with pytest.raises(NotUp, match=r"its log ends:\n    bind\(\) to 0.0.0.0:80 failed"):
        converge(Service("nginx"), host)


@pytest.mark.parametrize(
    ("script", "action"),
    [
        (b"case $1 in\n  reload)\n", "reload"),
        (b"case $1 in\n  reload|force-reload)\n", "reload"),
        (b"case $1 in\n  restart|force-reload)\n", "force-reload"),
        (b"#!/usr/bin/env /lib/init/init-d-script\n", "force-reload"),
        (b"case $1 in\n  start)\n", "restart"),
    ],
)
def test_a_reload_is_the_gentlest_action_the_script_has(script: bytes, action: str) -> None:
    host = with_scripts("nginx", script=script, running={"nginx"})

    Service("nginx").reload(host)

    assert host.ran == [f"service nginx {action}"]


def test_a_service_that_the_machine_does_not_have_is_stopped_already_and_cannot_be_started() -> None:
    host = FakeHost()

    assert converge(Service("nginx", running=False, enabled=False), host) is None
    with pytest.raises(NoScript, match=r"no /etc/init\.d/nginx, and systemd does not run here"):
        converge(Service("nginx"), host)


# What is refused


@pytest.mark.parametrize("name", ["", "-h", "../nginx", "a b", "a\nb", "x;y", "a" * 200])
def test_S22_a_name_that_could_be_an_option_or_a_path_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="service name must be"):
        Service(name)


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"command": ""}, "needs a program"),
        ({"command": "'"}, "cannot be split"),
        ({"command": ["x"], "cwd": "srv"}, "absolute path"),
        ({"command": ["x"], "cwd": "/a\nUser=root"}, "one line"),
        ({"command": ["x"], "cwd": "/a\rUser=root"}, "one line"),
        ({"command": ["x"], "cwd": "/a\\"}, "without a backslash"),
        ({"command": ["x", "--token", Secret("hush!")]}, "must hold no Secret"),
        ({"command": ["+x"], "user": "deploy"}, "must begin with a program"),
        ({"command": ["x"], "user": "a\nb"}, "user: name"),
        ({"command": ["x"], "environment": {"A B": "1"}}, "environment must map"),
        ({"command": ["x"], "environment": {"A": 1}}, "environment must map"),
        ({"command": ["x"], "reload_signal": "KILL; reboot"}, "reload_signal must be one of"),
        ({"environment": {"A": "1"}}, "goes with command"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(properties: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Service("shop", **properties)


def test_looking_needs_nothing_on_the_machine() -> None:
    assert converge(Service("no-such-service-here", running=False), LocalHost(), dry_run=True) is None


CASES = [
    Case(Service("nginx", running=False, masked=True), lambda: machine(nginx=Unit(active=True))),
    Case(Service("nginx", enabled=True), lambda: with_openrc("nginx")),
    Case(Service("nginx", present=False), lambda: with_openrc("nginx", enabled=True, running={"nginx"})),
    *(
        Case(want, partial(FakeHost, units={"nginx": found}))
        for want in (
            Service("nginx"),
            Service("nginx", running=False, enabled=True),
            Service("nginx", present=False),
            SHOP,
        )
        for found in (Unit(), Unit(active=True), Unit(enabled=True))
    ),
    *(
        Case(want, partial(with_scripts, "nginx", enabled=enabled, running=running))
        for want in (Service("nginx", enabled=True), Service("nginx", running=False, enabled=False))
        for enabled in (True, False)
        for running in ({"nginx"}, set())
    ),
]
