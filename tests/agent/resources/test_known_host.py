from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, ToqueError, converge
from toque.core.ssh_keys import parse
from toque.resources.known_host import KnownHost
from toque.testing.machine import FakeHost, Node
from toque.testing.programs.own_files import OwnFiles
from toque.testing.programs.ssh import Machines

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDKSjQLToCxM7s3muZ97zma6qlThN6LgiVdhUuYNE5b+"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
PRINT = parse("", KEY).fingerprint
FILE = "/etc/ssh/ssh_known_hosts"
# Made by `ssh-keygen -H`.
HASHED = f"|1|YJMBkm+NiVV503aVjO+Rr7NxY2A=|QpQMBkm186XHFKmHvPEA/jGk9s8= {KEY}"


def machine(content: str | None = None) -> FakeHost:
    shown = {"git.internal:2222": (KEY, OTHER), "web1:22": (OTHER,)}
    host = FakeHost(users={"root": 0, "alice": 1000}, programs=[OwnFiles(), Machines(shown)])
    host.add("/etc/ssh", Node("directory", mode=0o755))
    host.add("/home/alice", Node("directory", mode=0o750, uid=1000))
    if content is not None:
        host.add(FILE, content)
    return host


example_machine = machine


def text(host: FakeHost) -> str:
    return (host.read(FILE) or b"").decode()


def test_a_machine_becomes_known_to_all_users() -> None:
    host = machine()

    converge(KnownHost("git.internal", keys=[KEY]), host)

    assert host.nodes[FILE] == Node(content=f"git.internal {KEY}\n".encode(), mode=0o644)


def test_a_key_that_is_another_is_replaced_and_other_lines_are_left() -> None:
    kept = f"# all\n@revoked git.internal {OTHER}\n*.internal {OTHER}\nweb1 {OTHER}\n"
    host = machine(f"{kept}git.internal,10.0.0.9 {OTHER} old\n")

    converge(KnownHost("git.internal", keys=[KEY]), host)

    assert text(host) == f"{kept}10.0.0.9 {OTHER} old\ngit.internal {KEY}\n"


def test_another_port_is_another_machine() -> None:
    host = machine(f"git.internal {OTHER}\n")

    converge(KnownHost("git.internal", port=2222, keys=[KEY]), host)

    assert text(host) == f"git.internal {OTHER}\n[git.internal]:2222 {KEY}\n"


def test_a_hidden_name_is_recognised() -> None:
    assert converge(KnownHost("github.com", keys=[KEY]), machine(f"{HASHED}\n")) is None
    assert converge(KnownHost("gitlab.com", keys=[KEY]), machine(f"{HASHED}\n")) is not None


def test_names_are_hidden_and_shown_again() -> None:
    host = machine(f"web1 {KEY}\n")

    converge(KnownHost("web1", keys=[KEY], hashed=True), host)
    assert "web1" not in text(host)
    assert converge(KnownHost("web1", keys=[KEY]), host) is None

    converge(KnownHost("web1", keys=[KEY], hashed=False), host)
    assert text(host) == f"web1 {KEY}\n"


def test_of_what_the_machine_shows_only_the_keys_with_the_fingerprints_are_taken() -> None:
    host = machine()

    converge(KnownHost("git.internal", port=2222, fingerprints=[PRINT]), host)

    assert text(host) == f"[git.internal]:2222 {KEY}\n"


def test_a_machine_that_shows_another_key_is_not_believed() -> None:
    host = machine()

    with pytest.raises(ToqueError, match="somebody stands in between"):
        converge(KnownHost("web1", fingerprints=[PRINT]), host)
    with pytest.raises(ToqueError, match="does it answer"):
        converge(KnownHost("gone", fingerprints=[PRINT]), host)

    assert FILE not in host.nodes


def test_a_users_own_file_is_written_with_his_rights() -> None:
    host = machine()

    converge(KnownHost("web1", keys=[KEY], user="alice"), host)

    assert host.nodes["/home/alice/.ssh/known_hosts"] == Node(content=f"web1 {KEY}\n".encode(), mode=0o600, uid=1000)


def test_a_machine_is_forgotten() -> None:
    host = machine(f"{HASHED}\ngithub.com,gh {OTHER}\nweb1 {KEY}\n")

    converge(KnownHost("github.com", present=False), host)

    assert text(host) == f"gh {OTHER}\nweb1 {KEY}\n"


@pytest.mark.parametrize("name", ["", "-oProxyCommand=x", "a b", "a,b", "*", "a\nb", "!a", "a-"])
def test_S22_a_host_that_could_be_an_option_or_a_pattern_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="known_host host must be"):
        KnownHost(name, keys=[KEY])


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        pytest.param({}, "needs keys or fingerprints", id="nothing"),
        pytest.param({"keys": [KEY], "fingerprints": [PRINT]}, "one of them", id="both"),
        pytest.param({"fingerprints": ["MD5:aa"]}, "must be .SHA256:…", id="fingerprint"),
        pytest.param({"keys": [f"no-pty {KEY}"]}, "take no options", id="options"),
        pytest.param({"keys": [KEY], "port": 0}, "port must be", id="port"),
        pytest.param({"keys": [KEY], "user": "alice", "path": "/x"}, "not both", id="places"),
    ],
)
def test_what_makes_no_entry_is_refused(properties: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        KnownHost("web1", **properties)


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(BadProperty, match="keys name the same key twice"):
        KnownHost("git.internal", keys=[KEY, KEY])


def test_lines_of_others_keep_their_bytes() -> None:
    host = FakeHost(files={FILE: b"other ssh-rsa AAAAB3NzaC1yc2E= caf\xe9\n"})

    converge(KnownHost("git.internal", keys=[KEY]), host)

    assert (host.read(FILE) or b"").startswith(b"other ssh-rsa AAAAB3NzaC1yc2E= caf\xe9\n")


def test_one_machine_in_several_files_is_told_apart() -> None:
    known = [
        KnownHost("web1", keys=[KEY]),
        KnownHost("web1", keys=[KEY], port=2222),
        KnownHost("web1", keys=[KEY], user="alice"),
        KnownHost("web1", keys=[KEY], path="/srv/known"),
    ]

    assert [each.identity() for each in known] == ["web1", "[web1]:2222", "web1 of alice", "web1 in /srv/known"]


CASES = [
    Case(want, partial(machine, found))
    for want in (
        KnownHost("git.internal", keys=[KEY, OTHER], hashed=True),
        KnownHost("git.internal", port=2222, fingerprints=[PRINT]),
        KnownHost("web1", keys=[KEY], path="/srv/known", hashed=False),
        KnownHost("web1", keys=[KEY], user="alice"),
        KnownHost("github.com", present=False),
    )
    for found in (None, f"git.internal,github.com {OTHER}\n", f"{HASHED}\n[git.internal]:2222 {KEY}\n")
]
