from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, NotFound, ToqueError, converge
from toque.core.diffs import describe
from toque.resources.authorized_keys import AuthorizedKeys
from toque.testing.machine import FakeHost, Node
from toque.testing.programs.own_files import OwnFiles

ANN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDKSjQLToCxM7s3muZ97zma6qlThN6LgiVdhUuYNE5b+ ann@laptop"
BOB = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMPIs0cQIADy9CSOzKotpIU6Z9Ea2EzBzXJZwqNjo4qVy/"
    "bL0OX2oP1LchE47sOKLVnuLZrgtPPnS+iZUyudFJw="
)
FILE = "/home/deploy/.ssh/authorized_keys"


def machine(content: str | None = None, *, uid: int = 4000, mode: int = 0o600, folder: int = 0o700) -> FakeHost:
    host = FakeHost(users={"root": 0, "deploy": 4000}, programs=[OwnFiles()])
    host.add("/home/deploy", Node("directory", mode=0o750, uid=4000))
    host.add("/etc/ssh/keys/deploy", BOB + "\n")
    if content is not None:
        host.add("/home/deploy/.ssh", Node("directory", mode=folder, uid=4000))
        host.add(FILE, Node(content=content.encode(), mode=mode, uid=uid))
    return host


example_machine = machine


def text(host: FakeHost) -> str:
    return (host.read(FILE) or b"").decode()


def test_a_missing_file_is_made_for_its_user_alone() -> None:
    host = machine()

    converge(AuthorizedKeys("deploy", keys=[ANN]), host)

    assert host.nodes[FILE] == Node(content=f"{ANN}\n".encode(), mode=0o600, uid=4000)
    assert host.nodes["/home/deploy/.ssh"] == Node("directory", mode=0o700, uid=4000)


def test_keys_of_others_and_comments_stay() -> None:
    host = machine(f"# mine\n{BOB}\n")

    converge(AuthorizedKeys("deploy", keys=[ANN]), host)

    assert text(host) == f"# mine\n{BOB}\n{ANN}\n"


def test_a_key_with_other_options_is_the_same_key_and_gets_its_line() -> None:
    host = machine(f'from="10.0.0.0/8",no-pty {ANN} old comment\n{BOB}\n{ANN}\n')

    converge(AuthorizedKeys("deploy", keys=[ANN], options=["restrict"]), host)

    assert text(host) == f"restrict {ANN}\n{BOB}\n"


def test_options_of_its_own_go_before_those_for_all() -> None:
    host, own = machine(), f'command="echo \\"a, b\\"",no-pty {BOB}'

    converge(AuthorizedKeys("deploy", keys=[ANN, own], options=['from="10.0.0.0/8,192.168.1.1"']), host)

    assert text(host) == f'from="10.0.0.0/8,192.168.1.1" {ANN}\n{own}\n'


def test_exclusive_leaves_nothing_else_and_shows_what_goes() -> None:
    host, want = machine(f"{BOB}\n"), AuthorizedKeys("deploy", keys=[ANN], exclusive=True)

    change = converge(want, host)

    assert change is not None
    assert text(host) == f"{ANN}\n"
    assert f"-{BOB}\n+{ANN}" in describe(want, change)[1]


def test_nobody_may_come_in_by_an_empty_exclusive_list() -> None:
    host = machine(f"{BOB}\n")

    converge(AuthorizedKeys("deploy", exclusive=True), host)

    assert text(host) == ""


def test_keys_are_taken_out_and_the_others_kept() -> None:
    host = machine(f"no-pty {ANN}\n{BOB}\n")

    converge(AuthorizedKeys("deploy", keys=[ANN], present=False), host)

    assert text(host) == f"{BOB}\n"


def test_without_keys_the_whole_file_goes() -> None:
    host = machine(f"{ANN}\n")

    converge(AuthorizedKeys("deploy", present=False), host)

    assert FILE not in host.nodes


def test_a_file_that_others_may_write_becomes_private_again() -> None:
    host = machine(f"{ANN}\n", uid=0, mode=0o666, folder=0o777)

    change = converge(AuthorizedKeys("deploy", keys=[ANN]), host)

    assert change is not None
    assert change.fields == {"owner", "mode", "folder"}
    assert host.nodes[FILE] == Node(content=f"{ANN}\n".encode(), mode=0o600, uid=4000)


def test_a_link_is_replaced_and_what_it_points_to_left_alone() -> None:
    host = machine("")
    host.add(FILE, Node("link", to="/etc/shadow"))
    host.add("/etc/shadow", "root:*\n")

    converge(AuthorizedKeys("deploy", keys=[ANN]), host)

    assert host.nodes[FILE].kind == "file"
    assert host.read("/etc/shadow") == b"root:*\n"


def test_what_is_done_in_a_home_is_done_by_its_user() -> None:
    acting: list[str | None] = []

    class Watching(OwnFiles):
        def do(self, argv, host):  # type: ignore[no-untyped-def]
            acting.append(host.acting)
            return super().do(argv, host)

    host = machine()
    host.programs = [Watching()]

    converge(AuthorizedKeys("deploy", keys=[ANN]), host)

    assert set(acting) == {"deploy"}


def test_a_path_outside_the_home_belongs_to_root() -> None:
    host = machine()

    converge(AuthorizedKeys("deploy", keys=[ANN], path="/etc/ssh/keys/%u"), host)

    assert host.nodes["/etc/ssh/keys/deploy"] == Node(content=f"{BOB}\n{ANN}\n".encode(), mode=0o644, uid=0)


def test_a_user_who_does_not_exist_is_named() -> None:
    with pytest.raises(NotFound, match="no user on this machine called 'eve'"):
        converge(AuthorizedKeys("eve", keys=[ANN]), machine())


def test_a_home_that_does_not_exist_is_said_with_what_makes_it() -> None:
    host = FakeHost(users={"deploy": 4000}, programs=[OwnFiles()])

    with pytest.raises(ToqueError, match="user deploy has no home folder"):
        converge(AuthorizedKeys("deploy", keys=[ANN]), host)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="empty"),
        pytest.param("AAAAC3Nz", id="no-type"),
        pytest.param(f"{ANN}\n{BOB}", id="two-lines"),
        pytest.param(f"# {ANN}", id="comment"),
        pytest.param(f'command="x" y {ANN}', id="bad-options"),
        pytest.param(ANN[:40], id="cut-short"),
        pytest.param(ANN.replace("ssh-ed25519", "ssh-rsa"), id="another-type"),
        pytest.param("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", id="private"),
    ],
)
def test_S22_what_is_not_one_key_is_refused(key: str) -> None:
    with pytest.raises(BadProperty, match="authorized_keys keys"):
        AuthorizedKeys("deploy", keys=[key])


@pytest.mark.parametrize("option", ["", "no-pty,x", 'from="a', "a b", 'x="a"\n', "-"])
def test_S22_what_is_not_one_option_is_refused(option: str) -> None:
    with pytest.raises(BadProperty, match="authorized_keys options"):
        AuthorizedKeys("deploy", keys=[ANN], options=[option])


@pytest.mark.parametrize("path", ["", "../root/.ssh/authorized_keys", "keys/", "%i", "a\nb"])
def test_S22_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(BadProperty, match="authorized_keys path"):
        AuthorizedKeys("deploy", keys=[ANN], path=path)


def test_what_says_nothing_or_two_things_is_refused() -> None:
    with pytest.raises(BadProperty, match="needs keys"):
        AuthorizedKeys("deploy")
    with pytest.raises(BadProperty, match="the same key twice"):
        AuthorizedKeys("deploy", keys=[ANN, f"no-pty {ANN}"])
    with pytest.raises(BadProperty, match="not both"):
        AuthorizedKeys("deploy", keys=[ANN], exclusive=True, present=False)


CASES = [
    Case(want, partial(machine, found))
    for want in (
        AuthorizedKeys("deploy", keys=[ANN]),
        AuthorizedKeys("deploy", keys=[BOB, ANN], options=["no-pty"], exclusive=True),
        AuthorizedKeys("deploy", exclusive=True),
        AuthorizedKeys("deploy", keys=[ANN], path="keys"),
        AuthorizedKeys("deploy", keys=[ANN], path="%h/.ssh/authorized_keys"),
        AuthorizedKeys("deploy", keys=[ANN], path="/etc/ssh/keys/%u", exclusive=True),
        AuthorizedKeys("deploy", keys=[BOB], path="/etc/ssh/keys/%u", present=False),
        AuthorizedKeys("deploy", keys=[ANN], present=False),
        AuthorizedKeys("deploy", present=False),
    )
    for found in (None, "", f"{ANN}\n", f"# x\n{BOB}\nno-pty {ANN}\n")
]
