from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, ToqueError, converge
from toque.resources.sudo import Sudo
from toque.testing.machine import FakeHost, Node
from toque.testing.programs.visudo import with_sudo

example_machine = with_sudo


def text(want: Sudo) -> str:
    host = with_sudo()
    converge(want, host)
    return (host.read(f"/etc/sudoers.d/{want.name.replace('.', '__')}") or b"").decode()


def test_a_rule_is_for_the_user_of_its_name_and_readable_by_root_alone() -> None:
    host = with_sudo()

    converge(Sudo("deploy", commands=["/bin/systemctl restart shop"], runas="root", nopasswd=True), host)

    assert host.nodes["/etc/sudoers.d/deploy"] == Node(
        content=b"deploy ALL=(root) NOPASSWD:/bin/systemctl restart shop\n", mode=0o440
    )


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({}, "x ALL=(ALL) ALL\n", id="all"),
        pytest.param({"users": ["a", "b"], "groups": ["ops"]}, "a, b, %ops ALL=(ALL) ALL\n", id="users-and-groups"),
        pytest.param(
            {"noexec": True, "nopasswd": True, "setenv": True, "runas": "www:www", "host": "web1"},
            "x web1=(www:www) NOEXEC:NOPASSWD:SETENV:ALL\n",
            id="tags",
        ),
        pytest.param(
            {"commands": ["/bin/a --b=c,d:e #1", "!/bin/su"]},
            "x ALL=(ALL) /bin/a --b\\=c\\,d\\:e \\#1, !/bin/su\n",
            id="arguments-cannot-end-a-command",
        ),
        pytest.param({"commands": ["/bin/a b\\=c"]}, "x ALL=(ALL) /bin/a b\\=c\n", id="escaped-already"),
        pytest.param(
            {"commands": ["/bin/a \\\\, /bin/sh"]},
            "x ALL=(ALL) /bin/a \\\\\\, /bin/sh\n",
            id="S22-an-escaped-backslash-escapes-nothing",
        ),
        pytest.param(
            {"commands": ["LOGS"], "command_aliases": {"LOGS": ["/bin/tail /var/log/*", "/bin/x"]}, "groups": ["ops"]},
            "Cmnd_Alias LOGS = /bin/tail /var/log/*, /bin/x\n%ops ALL=(ALL) LOGS\n",
            id="aliases",
        ),
        pytest.param(
            {"defaults": ["!requiretty", "env_keep += SSH_AUTH_SOCK", 'env_keep += "LANG, TZ"']},
            "Defaults:x !requiretty\nDefaults:x env_keep += SSH_AUTH_SOCK\n"
            'Defaults:x env_keep += "LANG, TZ"\nx ALL=(ALL) ALL\n',
            id="defaults",
        ),
    ],
)
def test_what_a_rule_says(properties: dict[str, Any], expected: str) -> None:
    assert text(Sudo("x", **properties)) == expected


def test_a_rule_that_would_break_sudo_is_refused_and_nothing_is_changed() -> None:
    host = with_sudo({"/etc/sudoers.d/ops": "ops ALL=(ALL) ALL\n"})
    before = dict(host.nodes)

    with pytest.raises(CommandFailed, match="syntax error"):
        converge(Sudo("ops", defaults=["no_such_option"]), host)
    with pytest.raises(CommandFailed, match="syntax error"):
        converge(Sudo("ops", runas="a:b:c"), host)

    assert host.nodes == before


def test_without_sudo_the_error_says_what_installs_it() -> None:
    with pytest.raises(ToqueError, match=r'package\("sudo"\)'):
        converge(Sudo("ops"), FakeHost())


def test_a_name_with_a_dot_becomes_a_file_that_sudo_reads() -> None:
    host = with_sudo()

    converge(Sudo("ann.lee"), host)

    assert host.read("/etc/sudoers.d/ann__lee") == b"ann.lee ALL=(ALL) ALL\n"


def test_a_file_that_others_may_write_is_closed() -> None:
    host = with_sudo({"/etc/sudoers.d/ops": Node(content=b"ops ALL=(ALL) ALL\n", mode=0o666, uid=7)})

    change = converge(Sudo("ops"), host)

    assert change is not None
    assert change.fields == {"mode", "owner"}
    assert host.nodes["/etc/sudoers.d/ops"].mode == 0o440


def test_a_rule_is_taken_away() -> None:
    host = with_sudo({"/etc/sudoers.d/ops": "ops ALL=(ALL) ALL\n"})

    converge(Sudo("ops", present=False), host)

    assert host.names_in("/etc/sudoers.d") == []


@pytest.mark.parametrize(
    ("property", "value"),
    [
        ("users", ["a b"]),
        ("users", ["a\nb ALL=(ALL) ALL"]),
        ("groups", ["%ops"]),
        ("commands", []),
        ("commands", ["ls"]),
        ("commands", ["/bin/ls\nx ALL=(ALL) ALL"]),
        ("commands", ["/bin/ls \\"]),
        ("host", "a b"),
        ("runas", "root) NOPASSWD"),
        ("defaults", ["x\ny"]),
        ("defaults", ["Requiretty"]),
        ("defaults", ["timestamp_timeout=5, !authenticate"]),
        ("command_aliases", {"logs": ["/bin/x"]}),
        ("command_aliases", {"LOGS": "/bin/x"}),
        ("user_aliases", {"OPS": ["a, b"]}),
        ("runas_aliases", {"OPS": []}),
    ],
    ids=str,
)
def test_S22_nothing_can_begin_another_rule(property: str, value: Any) -> None:
    with pytest.raises(BadProperty, match=f"sudo {property}"):
        Sudo("ops", **{property: value})


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", ".hidden", "-f"])
def test_S22_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="sudo name must be"):
        Sudo(name, users=["a"])


CASES = [
    Case(want, partial(with_sudo, found))
    for want in (
        Sudo("ops"),
        Sudo("ops", groups=["ops"], commands=["/bin/x"], noexec=True, defaults=["lecture=never"]),
        Sudo("ops", commands=["X"], command_aliases={"X": ["/bin/x"]}, user_aliases={"U": ["a", "b"]}),
        Sudo("ops", present=False),
    )
    for found in (
        None,
        {"/etc/sudoers.d/ops": "ops ALL=(ALL) ALL\n"},
        {"/etc/sudoers.d/ops": Node("link", to="/etc/x")},
    )
]
