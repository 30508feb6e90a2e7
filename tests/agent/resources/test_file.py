from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, NotFound, Ran, Secret, converge
from toque.core.diffs import describe
from toque.core.verification import VerifyFailed
from toque.resources.file import File
from toque.testing.machine import FakeHost, Node


def test_a_missing_file_is_made() -> None:
    host = FakeHost()

    change = converge(File("/etc/motd", content="hello\n", mode="0640"), host)

    assert change is not None
    assert change.fields == {"present", "content", "mode"}
    assert host.nodes["/etc/motd"] == Node(content=b"hello\n", mode=0o640)


def test_only_what_differs_is_touched() -> None:
    host = FakeHost(files={"/etc/motd": "hello\n"})

    converge(File("/etc/motd", content="hello\n", mode="0600"), host)

    assert host.ran == ["chmod 0600 /etc/motd"]


def test_what_the_recipe_does_not_name_is_left_alone() -> None:
    host = FakeHost(files={"/etc/motd": Node(content=b"hello", mode=0o600, uid=7)})

    assert converge(File("/etc/motd"), host) is None
    converge(File("/etc/motd", content="bye"), host)

    assert host.nodes["/etc/motd"] == Node(content=b"bye", mode=0o600, uid=7)


def test_a_file_made_of_a_secret_is_private_unless_the_recipe_says_otherwise() -> None:
    host = FakeHost()

    converge(File("/etc/key", content=Secret("s3cret-key")), host)

    assert host.nodes["/etc/key"].mode == 0o600


def test_a_link_is_replaced_and_what_it_points_to_left_alone() -> None:
    host = FakeHost(files={"/etc/real": "old", "/etc/a": Node("link", to="/etc/real")})

    converge(File("/etc/a", content="new"), host)

    assert host.nodes["/etc/a"].kind == "file"
    assert host.nodes["/etc/real"].content == b"old"


def test_content_that_does_not_verify_never_arrives() -> None:
    refuse = {("visudo", "-cf", "/etc/.sudoers.toque-verify"): Ran(code=1, err="syntax error")}
    host = FakeHost(files={"/etc/sudoers": "old"}, answers=refuse)

    with pytest.raises(CommandFailed, match="syntax error"):
        converge(File("/etc/sudoers", content="nonsense", verify=["visudo", "-cf", "{path}"]), host)

    assert host.nodes["/etc/sudoers"].content == b"old"
    assert "/etc/.sudoers.toque-verify" not in host.nodes


def test_former_contents_are_kept_when_asked_for() -> None:
    host = FakeHost(files={"/etc/a": "1"})

    for content in "234":
        converge(File("/etc/a", content=content, backup=2), host)

    assert host.read("/etc/a.toque-1") == b"3"
    assert host.read("/etc/a.toque-2") == b"2"
    assert host.entry("/etc/a.toque-3") is None


def test_a_file_that_may_not_be_replaced_keeps_its_content() -> None:
    host = FakeHost(files={"/etc/a": "theirs"})

    assert converge(File("/etc/a", content="ours", replace=False), host) is None


def test_an_owner_who_does_not_exist_is_named() -> None:
    with pytest.raises(NotFound, match="no user on this machine called 'alice'"):
        converge(File("/etc/a", content="", owner="alice"), FakeHost())


@pytest.mark.parametrize("mode", ["rw", "9999", "07777", "", "0o644"])
def test_a_mode_is_octal_digits(mode: str) -> None:
    with pytest.raises(BadProperty, match="octal digits"):
        File("/etc/a", mode=mode)


def test_a_path_is_absolute() -> None:
    with pytest.raises(BadProperty, match="absolute path"):
        File("etc/a")


@pytest.mark.parametrize(
    ("check", "good", "bad", "said"),
    [
        ("json", "{}", "{,}", "not JSON: .*line 1"),
        ("yaml", "a: 1\n---\nb: 2\n", "a: [1", "not YAML"),
        ("toml", "a = 1\n", "a = \n", "not TOML: .*line 1"),
        ("ini", "[a]\nb = 1\n", "b = 1\n", "not an INI file"),
        ("python", "a = 1\n", "a = = 1\n", "not Python: .* in line 1"),
    ],
    ids=["json", "yaml", "toml", "ini", "python"],
)
def test_a_check_known_by_name_judges_the_content(check: str, good: str, bad: str, said: str) -> None:
    host = FakeHost()
    converge(File("/etc/a", content=good, verify=check), host)

    with pytest.raises(VerifyFailed, match=f"the new content of /etc/a is {said}"):
        converge(File("/etc/a", content=bad, verify=check), host)

    assert host.read("/etc/a") == good.encode()


def test_a_unit_is_judged_under_its_own_name() -> None:
    argv = ("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", "/run/toque-verify/a.service")
    refuse = {argv: Ran(code=1, err="/run/toque-verify/a.service:2: Unknown key")}
    host = FakeHost(answers=refuse, paths=["/usr/bin/systemd-analyze"])

    with pytest.raises(VerifyFailed, match=r"content of /etc/a\.service: /etc/a\.service:2: Unknown key"):
        converge(File("/etc/a.service", content="[Service]\nx\n", verify="systemd_unit"), host)

    assert "/run/toque-verify" not in host.nodes


def test_a_check_whose_program_is_missing_says_what_to_do() -> None:
    with pytest.raises(VerifyFailed, match="visudo, which judges /etc/sudoers.d/a, is not on this machine: install it"):
        converge(File("/etc/sudoers.d/a", content="x", verify="sudoers"), FakeHost())


def test_a_check_nobody_knows_is_refused() -> None:
    with pytest.raises(BadProperty, match=r"file verify must be one of .* got 'jsno' \(did you mean json\?\)"):
        File("/etc/a", verify="jsno")


def test_text_is_written_in_its_encoding_and_with_its_line_ends() -> None:
    host = FakeHost()

    converge(File("/etc/a", content="caf\xe9\nx\r\n", encoding="latin-1", newline="\r\n"), host)

    assert host.read("/etc/a") == b"caf\xe9\r\nx\r\n"


@pytest.mark.parametrize(("encoding", "said"), [("latin-99", "one that Python knows"), ("ascii", "another letter")])
def test_an_encoding_has_to_exist_and_to_fit(encoding: str, said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        File("/etc/a", content="caf\xe9", encoding=encoding)


def test_with_follow_the_file_behind_a_link_is_kept() -> None:
    host = FakeHost(files={"/etc/real": "old", "/etc/a": Node("link", to="real")})

    converge(File("/etc/a", content="new", mode="0600", follow=True), host)

    assert host.nodes["/etc/a"].kind == "link"
    assert host.nodes["/etc/real"] == Node(content=b"new", mode=0o600)


def test_content_that_is_not_to_be_shown_is_not_in_the_diff() -> None:
    want = File("/etc/a", content="private words", show_diff=False)
    change = converge(want, FakeHost())

    assert change is not None
    assert describe(want, change) == ("created", "(its content is not shown: show_diff=False)")


def test_touching_is_an_action_for_programs_that_watch_a_file() -> None:
    host = FakeHost(files={"/srv/restart.txt": ""})

    File("/srv/restart.txt").touch(host)

    assert host.ran == ["touch -- /srv/restart.txt"]


CASES = [
    Case(want, partial(FakeHost, files=found, users={"root": 0, "www": 33}))
    for want in (
        File("/etc/a", content="x\n"),
        File("/etc/a", content="x\n", owner="www", mode="0600"),
        File("/etc/a", content=b"\x00\xff", replace=False),
        File("/etc/a", present=False),
        File("/etc/a", mode="4755", owner="33"),
        File("/etc/a", content="x\n", follow=True, newline="\r\n"),
    )
    for found in ({}, {"/etc/a": "x\n"}, {"/etc/a": Node(content=b"y", mode=0o777, uid=33)})
]
