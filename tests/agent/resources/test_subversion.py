from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, ToqueError, converge
from toque.core.gitclient import RepositoryFailed
from toque.resources.subversion import Subversion
from toque.testing.machine import FakeHost, Node
from toque.testing.programs.posix import Posix
from toque.testing.programs.svn import Svn

URL = "file:///srv/svn/shop/trunk"
REVISIONS = [{"a.txt": "one"}, {"a.txt": "two", "b.txt": "b"}, {"a.txt": "two", "b.txt": "b"}]
MADE = "/tmp/toque-svn-made1"


def machine(*, at: int = 0, exported: int = 0, svn: bool = True, url: str = URL) -> FakeHost:
    files: dict[str, bytes | str | Node] = {}
    if at:
        files = {"/srv/shop/.svn/wc.db": f"{at} {url}", "/srv/shop/a.txt": "?"}
    if exported:
        files = {"/srv/shop/.toque-subversion": f"{exported} {url}\n", "/srv/shop/old.txt": "?"}
    return FakeHost(
        files=files,
        users={"root": 0, "deploy": 1001},
        programs=[Svn({URL: REVISIONS}), Posix()],
        paths=["/usr/bin/svn"] if svn else [],
    )


def example_machine() -> FakeHost:
    from tests.agent.test_docstring_examples import machine

    return machine()


def shop(**given: Any) -> Subversion:
    return Subversion("/srv/shop", repository=URL, allow_insecure=True, **given)


def done(host: FakeHost) -> list[str]:
    """What svn was told, without how to get in."""
    options = " --non-interactive --no-auth-cache --config-dir /nonexistent/subversion"
    return [each.replace(options, "") for each in host.ran if each.startswith("svn ")]


def test_the_newest_revision_is_checked_out_by_its_user() -> None:
    host = machine()
    copy = shop(user="deploy")

    converge(copy, host)

    assert done(host) == [f"svn checkout --quiet --ignore-externals -- {URL}@2 /srv/shop"]
    assert host.nodes["/srv/shop"].uid == 1001
    assert host.read("/srv/shop/b.txt") == b"b"
    assert (copy.old_revision, copy.new_revision) == (None, "2")


def test_a_revision_that_changed_nothing_here_is_no_change() -> None:
    assert converge(shop(), machine(at=2)) is None
    assert converge(shop(), machine(at=3)) is None


def test_a_copy_moves_to_the_revision_that_is_asked_for() -> None:
    host = machine(at=3)
    copy = shop(revision=1)

    change = converge(copy, host)

    assert change is not None
    assert change.fields == {"revision"}
    switch = "svn switch --ignore-ancestry --revision 1 --ignore-externals --quiet --accept theirs-full --"
    assert done(host) == ["svn revert --quiet --recursive -- /srv/shop", f"{switch} {URL}@1 /srv/shop"]
    assert (copy.old_revision, copy.new_revision) == ("3", "1")


def test_an_export_has_no_working_copy_in_it_and_is_replaced_as_a_whole() -> None:
    host = machine(exported=1)

    converge(shop(export=True), host)

    assert host.names_in("/srv/shop") == [".toque-subversion", "a.txt", "b.txt"]
    assert host.nodes["/srv/shop/.toque-subversion"].mode == 0o600
    assert host.entry("/srv/shop.toque-new") is None


@pytest.mark.parametrize("export", [False, True], ids=["copy", "export"])
def test_a_folder_with_other_things_in_it_is_left_alone(export: bool) -> None:
    host = machine()
    host.add("/srv/shop/thesis.tex", b"")

    with pytest.raises(ToqueError, match="/srv/shop has files in it and is no"):
        converge(shop(export=export), host)
    assert host.read("/srv/shop/thesis.tex") == b""


def test_S20_a_password_is_on_no_command_line_and_nothing_is_left_of_it() -> None:
    host = machine()

    converge(shop(username="deploy", password=Secret("hush!")), host)

    assert "hush!" not in " ".join(host.ran)
    assert "hush!" in host.inputs
    converge(shop(ssh_key=Secret("a key!"), revision=1), host)
    assert f"write {MADE}/key" in host.ran
    assert host.entry(MADE) is None


def test_a_repository_that_does_not_answer_is_said_with_svns_reason() -> None:
    host = machine()
    copy = Subversion("/srv/shop", repository="file:///srv/svn/none", allow_insecure=True)

    with pytest.raises(RepositoryFailed, match="file:///srv/svn/none cannot be read: E170013"):
        converge(copy, host)


def test_without_svn_it_says_what_comes_first() -> None:
    with pytest.raises(ToqueError, match=r'package\("subversion"\) comes first'):
        converge(shop(), machine(svn=False))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"destination": "shop"}, "absolute path"),
        ({"destination": "/srv/a@b"}, "without @"),
        ({"repository": "file:///srv/svn"}, "nothing proves what comes over file"),
        ({"repository": "http://example.org/svn"}, "nothing proves"),
        ({"repository": "https://127.0.0.1/svn"}, "not on the public internet"),
        ({"repository": "--config-option=x"}, "hyphen"),
        ({"revision": 0}, "revision must be"),
        ({"user": "-u"}, "user: name must be"),
        ({"username": "-u"}, "username must be"),
        ({"password": "x"}, "password goes with username"),
        ({"username": "u", "password": "x\ny"}, "single line"),
        ({"repository": "svn+ssh://u@example.org/x", "username": "u", "password": "x"}, "for ssh give ssh_key"),
    ],
    ids=lambda value: "-".join(map(repr, value.items())) if isinstance(value, dict) else "",
)
def test_S20_what_is_insecure_or_could_be_an_option_is_refused(wrong: dict[str, Any], said: str) -> None:
    given = {"destination": "/srv/shop", "repository": "https://example.org/svn"} | wrong

    with pytest.raises(BadProperty, match=said):
        Subversion(**given)


CASES = [
    Case(want, host)
    for want, others in (
        (shop(), True),
        (shop(revision=1, user="deploy"), True),
        (shop(export=True), False),
        (shop(export=True, revision=1), False),
    )
    for host in (
        machine,
        *([partial(machine, at=1), partial(machine, at=3)] if others else [partial(machine, exported=1)]),
    )
]
