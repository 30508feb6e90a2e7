from __future__ import annotations

from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Run, Secret, converge
from toque.platforms.service import NotUp
from toque.resources.file import File
from toque.resources.systemd_unit import NoSystemd, SystemdUnit
from toque.testing.machine import FakeHost, Unit

TEXT = "[Service]\nExecStart=/usr/bin/shop\n\n[Install]\nWantedBy=multi-user.target\n"
PATH = "/etc/systemd/system/shop.service"


def machine(**units: Unit) -> FakeHost:
    return FakeHost(units={"nginx": Unit(active=True), **units})


def test_a_unit_is_placed_read_enabled_and_started() -> None:
    host = machine()

    converge(SystemdUnit("shop.service", content=TEXT, enabled=True, running=True), host)

    assert host.read(PATH) == TEXT.encode()
    assert host.ran[-3:] == [
        "systemctl daemon-reload",
        "systemctl enable -- shop.service",
        "systemctl start -- shop.service",
    ]
    assert host.units["shop"] == Unit(active=True, enabled=True)


def test_sections_become_a_unit_with_lists_as_several_settings() -> None:
    host = machine()
    content = {"Unit": {"Description": "The shop"}, "Socket": {"ListenStream": [80, "/run/shop"], "Accept": False}}

    converge(SystemdUnit("shop.socket", content=content), host)

    text = (host.read("/etc/systemd/system/shop.socket") or b"").decode()
    assert "[Unit]\nDescription=The shop\n" in text
    assert "[Socket]\nListenStream=80\nListenStream=/run/shop\nAccept=no\n" in text


def test_new_content_restarts_what_runs_and_only_that() -> None:
    host = machine()
    converge(SystemdUnit("shop.service", content=TEXT, running=True), host)
    host.ran.clear()

    converge(SystemdUnit("shop.service", content=f"{TEXT}# new\n", running=True), host)
    converge(SystemdUnit("shop.service", content=TEXT), host)

    assert host.ran == [
        f"write {PATH}",
        "systemctl daemon-reload",
        "systemctl restart -- shop.service",
        f"write {PATH}",
        "systemctl daemon-reload",
    ]


def test_a_drop_in_lies_beside_the_unit_of_another() -> None:
    host = machine()
    unit = SystemdUnit("nginx.service", drop_in="limits", content="[Service]\nLimitNOFILE=65536\n", running=True)

    converge(unit, host)

    assert host.read("/etc/systemd/system/nginx.service.d/limits.conf") == b"[Service]\nLimitNOFILE=65536\n"
    assert host.ran[-1] == "systemctl restart -- nginx.service"
    assert str(unit) == "systemd_unit[nginx.service.d/limits.conf]"


def test_a_drop_in_that_goes_leaves_no_folder_and_the_unit_alone() -> None:
    host = machine()
    converge(SystemdUnit("nginx.service", drop_in="limits", content="[Service]\nLimitNOFILE=65536\n"), host)
    host.ran.clear()

    converge(SystemdUnit("nginx.service", drop_in="limits", present=False), host)

    assert host.entry("/etc/systemd/system/nginx.service.d") is None
    assert host.units["nginx"].active
    assert host.ran[-1] == "systemctl daemon-reload"


def test_a_unit_that_goes_is_stopped_and_disabled_first() -> None:
    host = machine()
    converge(SystemdUnit("shop.service", content=TEXT, enabled=True, running=True), host)
    host.ran.clear()

    converge(SystemdUnit("shop.service", present=False), host)

    assert host.ran == [
        "systemctl stop -- shop.service",
        "systemctl disable -- shop.service",
        f"remove {PATH}",
        "systemctl daemon-reload",
    ]


def test_units_of_all_users_are_enabled_for_all_of_them() -> None:
    host = machine()
    unit = SystemdUnit("sync.service", content=TEXT, scope="user", enabled=True)

    converge(unit, host)

    assert converge(unit, host) is None
    assert host.ran[-2:] == ["write /etc/systemd/user/sync.service", "systemctl --global enable -- sync.service"]
    converge(SystemdUnit("sync.service", scope="user", present=False), host)
    assert host.names_in("/etc/systemd/user/default.target.wants") == []


def test_what_does_not_stay_up_is_an_error() -> None:
    host = machine(shop=Unit(broken=True))

    with pytest.raises(NotUp, match="shop.service was started and does not stay up"):
        converge(SystemdUnit("shop.service", content=TEXT, running=True), host)


def test_without_systemd_the_file_is_placed_and_nothing_can_be_started() -> None:
    host = FakeHost()

    converge(SystemdUnit("shop.service", content=TEXT), host)
    assert host.read(PATH) == TEXT.encode()

    with pytest.raises(NoSystemd, match="leave `running` and `enabled` out"):
        converge(SystemdUnit("shop.service", content=TEXT, running=True), host)


def test_it_restarts_for_what_it_depends_on_unless_it_was_just_started() -> None:
    host = machine()
    conf = File("/etc/shop.conf", content="1")
    unit = SystemdUnit("shop.service", content=TEXT, running=True)

    with Run(host) as run:
        run.converge(File("/etc/shop.conf", content="1", notify=[unit.restart]))
        run.converge(unit)
        run.converge(conf)

    assert host.ran[-1] == "systemctl restart -- shop.service"


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        pytest.param({"name": "shop", "content": TEXT}, "must end in a kind", id="no-kind"),
        pytest.param({"name": "../shop.service", "content": TEXT}, "must end in a kind", id="path"),
        pytest.param({"name": "-shop.service", "content": TEXT}, "must end in a kind", id="option"),
        pytest.param({"name": "a.service", "content": TEXT, "drop_in": "../x"}, "drop_in must be", id="drop-in"),
        pytest.param({"name": "a.service"}, "needs content", id="no-content"),
        pytest.param({"name": "a.service", "content": ""}, "must be the text of a unit", id="empty"),
        pytest.param({"name": "a.service", "content": {}}, "at least one section", id="no-section"),
        pytest.param({"name": "a.service", "content": {"Unit": "x"}}, "must map sections", id="no-mapping"),
        pytest.param(
            {"name": "a.service", "content": {"Service": {"Environment": [Secret("A=hush")]}}},
            "must hold no Secret",
            id="secret",
        ),
        pytest.param(
            {"name": "a.service", "content": {"Unit": {"A": "x\rB=y"}}}, "A must be one line", id="S22-return"
        ),
        pytest.param({"name": "a.service", "content": {"Unit": {"A": "x\nB=y"}}}, "A must be one line", id="S22-line"),
        pytest.param({"name": "a.service", "content": {"Unit": {"A": "x\\"}}}, "A must be one line", id="S22-goes-on"),
        pytest.param({"name": "a.service", "content": {"U]\n[V": {}}}, "is no name of a section", id="S22-section"),
        pytest.param({"name": "a.service", "content": {"U": {"A=b": 1}}}, "is no name of a section", id="S22-setting"),
        pytest.param({"name": "a.service", "content": {"U": {"A": None}}}, "A must be text", id="value"),
        pytest.param({"name": "a@.service", "content": TEXT, "running": True}, "is a template", id="template"),
        pytest.param({"name": "a.service", "content": TEXT, "timeout": 0}, "more than 0 seconds", id="timeout"),
        pytest.param(
            {"name": "a.service", "content": TEXT, "scope": "user", "running": True}, "is not known", id="user-running"
        ),
    ],
)
def test_S22_what_cannot_be_a_unit_is_refused(properties: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadProperty, match=complaint):
        SystemdUnit(**properties)


def with_unit() -> FakeHost:
    host = machine(shop=Unit(active=True, enabled=True))
    host.add(PATH, "[Service]\nExecStart=/usr/bin/old\n")
    return host


CASES = [
    Case(SystemdUnit("shop.service", content=TEXT, running=True, enabled=True), machine),
    Case(SystemdUnit("shop.service", content=TEXT, running=True), with_unit),
    Case(SystemdUnit("shop.service", content=TEXT, running=False, enabled=False), with_unit),
    Case(SystemdUnit("nginx.service", drop_in="a", content={"Service": {"Nice": 5}}), machine),
    Case(SystemdUnit("sync.service", content=TEXT, scope="user", enabled=True), machine),
    Case(SystemdUnit("shop.service", present=False), with_unit),
    Case(SystemdUnit("shop.service", content=TEXT), FakeHost),
]
