from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, ToqueError, converge
from toque.core.diffs import describe
from toque.resources.line import Line
from toque.testing.machine import FakeHost, Node

CONF = "Port 22\n#PermitRootLogin yes\nUsePAM yes\n"


def after(want: Line, text: str) -> str:
    """What a file of this text becomes."""
    host = FakeHost(files={want.path: text})
    converge(want, host)
    return (host.read(want.path) or b"").decode()


def test_a_line_that_is_missing_goes_to_the_end() -> None:
    assert after(Line("/etc/a", "x"), "1\n2\n") == "1\n2\nx\n"


def test_the_end_of_a_last_line_without_one_is_made_first() -> None:
    assert after(Line("/etc/a", "x"), "1") == "1\nx\n"


def test_a_line_that_is_there_is_left_where_it_is() -> None:
    assert after(Line("/etc/a", "x", after="^2"), "x\n2\n") == "x\n2\n"


def test_the_line_that_it_stands_for_is_replaced() -> None:
    assert (
        after(Line("/etc/a", "PermitRootLogin no", match="^#?PermitRootLogin "), CONF)
        == "Port 22\nPermitRootLogin no\nUsePAM yes\n"
    )


def test_only_the_first_of_several_is_replaced_unless_every_one_is_meant() -> None:
    assert after(Line("/etc/a", "b", match="^a"), "a1\na2\n") == "b\na2\n"
    assert after(Line("/etc/a", "b", match="^a", every=True), "a1\na2\n") == "b\nb\n"


def test_a_new_line_goes_after_or_before_another() -> None:
    assert after(Line("/etc/a", "x", after="^a"), "a\na\nb\n") == "a\na\nx\nb\n"
    assert after(Line("/etc/a", "x", before="^b"), "a\nb\nb\n") == "a\nx\nb\nb\n"


def test_where_the_other_line_is_not_found_it_goes_to_the_end() -> None:
    assert after(Line("/etc/a", "x", after="^z"), "a\n") == "a\nx\n"


def test_each_line_of_that_text_is_removed() -> None:
    assert after(Line("/etc/a", "x", present=False), "x\na\nx\n") == "a\n"


def test_lines_are_removed_by_what_they_look_like() -> None:
    assert after(Line("/etc/a", match=r"\sold-db$", present=False), "10.0.0.1 old-db\n10.0.0.2 db\n") == "10.0.0.2 db\n"


def test_line_ends_of_another_system_are_kept() -> None:
    assert after(Line("/etc/a", "x"), "a\r\nb\r\n") == "a\r\nb\r\nx\r\n"


def test_bytes_that_are_no_utf8_are_kept() -> None:
    host = FakeHost(files={"/etc/a": b"caf\xe9\n"})

    converge(Line("/etc/a", "x"), host)

    assert host.read("/etc/a") == b"caf\xe9\nx\n"


def test_owner_and_mode_of_the_file_are_kept() -> None:
    host = FakeHost(files={"/etc/a": Node(content=b"a\n", mode=0o600, uid=7)})

    converge(Line("/etc/a", "x"), host)

    assert (host.nodes["/etc/a"].mode, host.nodes["/etc/a"].uid) == (0o600, 7)


def test_a_missing_file_is_made_only_when_asked_for() -> None:
    with pytest.raises(ToqueError, match="no file /etc/a: make it first, or say create=True"):
        converge(Line("/etc/a", "x"), FakeHost())
    host = FakeHost()
    converge(Line("/etc/a", "x", create=True), host)

    assert host.read("/etc/a") == b"x\n"


def test_a_link_is_followed_only_when_asked_for() -> None:
    files = {"/etc/real": "a\n", "/etc/a": Node("link", to="real")}
    with pytest.raises(BadProperty, match="is a link, not a file: name what it points to, or say follow=True"):
        converge(Line("/etc/a", "x"), FakeHost(files=files))
    host = FakeHost(files=files)
    converge(Line("/etc/a", "x", follow=True), host)

    assert host.read("/etc/real") == b"a\nx\n"
    assert host.nodes["/etc/a"].kind == "link"


def test_the_change_is_shown_as_a_diff_of_the_file() -> None:
    want = Line("/etc/a", "Port 2222", match="^Port")
    change = converge(want, FakeHost(files={"/etc/a": "Port 22\n"}), dry_run=True)

    assert change is not None
    said, diff = describe(want, change)
    assert (said, "--- /etc/a" in diff, "-Port 22\n+Port 2222" in diff) == ("changed: content", True, True)


def test_content_that_does_not_verify_never_arrives() -> None:
    host = FakeHost(files={"/etc/a": '{"a": 1}\n'})

    with pytest.raises(ToqueError, match="is not JSON"):
        converge(Line("/etc/a", "oops", verify="json"), host)

    assert host.read("/etc/a") == b'{"a": 1}\n'


def test_a_secret_line_is_not_part_of_its_name() -> None:
    assert str(Line("/etc/a", Secret("password = hunter22"))) == "line[/etc/a: ***]"


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({}, "line needs line"),
        ({"line": "a\nb"}, "one line of text"),
        ({"line": "a", "match": "("}, "line match is no regular expression"),
        ({"line": "a", "after": "b", "before": "c"}, "after or before, not both"),
        ({"line": "a", "every": True}, "needs match"),
        ({"line": "a", "verify": "jsno"}, "did you mean json"),
    ],
    ids=["nothing", "two-lines", "bad-regex", "two-places", "every-of-nothing", "unknown-check"],
)
def test_what_cannot_be_meant_is_refused(properties: dict[str, object], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Line("/etc/a", **properties)  # type: ignore[arg-type]


def test_a_new_file_with_a_secret_is_for_its_owner_alone() -> None:
    host = FakeHost()

    converge(Line("/etc/a", Secret("password = hush"), create=True), host)

    assert host.nodes["/etc/a"].mode == 0o600


CASES = [
    Case(want, partial(FakeHost, files=found))
    for want in (
        Line("/etc/a", "x", create=True),
        Line("/etc/a", "x", match="^y", every=True, create=True),
        Line("/etc/a", "x", before="^y", create=True),
        Line("/etc/a", "x", present=False),
    )
    for found in ({}, {"/etc/a": "x\n"}, {"/etc/a": "y\nz\ny"}, {"/etc/a": b"\xff\r\n"})
]


def example_machine() -> FakeHost:
    return FakeHost(files={"/etc/ssh/sshd_config": CONF})
