from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, converge
from toque.resources.group import Group
from toque.testing.machine import FakeHost
from toque.testing.programs.accounts import Accounts


def machine(**members: set[str]) -> FakeHost:
    return FakeHost(
        users={"root": 0, "alice": 1001, "bob": 1002},
        groups={"root": 0, "admins": 50},
        programs=[Accounts(members=members)],
    )


def test_a_missing_group_is_made_with_its_number() -> None:
    host = machine()

    change = converge(Group("deploy", gid=4000), host)

    assert change is not None
    assert host.ran == ["groupadd --gid 4000 -- deploy"]


def test_a_wrong_number_is_corrected() -> None:
    host = machine()

    converge(Group("admins", gid=51), host)

    assert host.ran == ["groupmod --gid 51 -- admins"]


def test_members_are_added_and_others_kept() -> None:
    host = machine(admins={"bob"})

    converge(Group("admins", members=["alice"]), host)

    assert host.ran == ["gpasswd --add alice admins"]


def test_others_are_taken_out_when_the_list_is_the_whole_list() -> None:
    host = machine(admins={"bob"})

    converge(Group("admins", members=["alice"], append=False), host)

    assert host.ran == ["gpasswd --add alice admins", "gpasswd --delete bob admins"]


def test_the_excluded_are_taken_out_and_the_others_kept() -> None:
    host = machine(admins={"alice", "bob", "root"})

    converge(Group("admins", members=["alice"], excluded_members=["bob"]), host)
    assert host.ran == ["gpasswd --delete bob admins"]

    converge(Group("admins", members=["bob"], excluded_members=["root", "alice"]), host)
    assert host.ran[1:] == ["gpasswd --add bob admins", "gpasswd --delete alice admins", "gpasswd --delete root admins"]


def test_nobody_is_a_member_and_excluded() -> None:
    with pytest.raises(BadProperty, match="members and excluded_members both name bob"):
        Group("admins", members=["alice", "bob"], excluded_members=["bob"])


def test_a_group_is_emptied_by_an_empty_list() -> None:
    host = machine(admins={"bob"})

    converge(Group("admins", members=[], append=False), host)

    assert host.ran == ["gpasswd --delete bob admins"]


def test_a_member_who_does_not_exist_is_named() -> None:
    with pytest.raises(CommandFailed, match="user 'carol' does not exist"):
        converge(Group("admins", members=["carol"]), machine())


@pytest.mark.parametrize("name", ["", "-h", "a:b", "a b", "x" * 40, "ü", "1st"])
def test_S22_a_name_that_could_be_an_option_or_a_field_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="group name must be"):
        Group(name)


CASES = [
    Case(want, partial(machine, **found))
    for want in (
        Group("admins"),
        Group("admins", gid=77, members=["alice"], append=False),
        Group("admins", members=["alice"]),
        Group("admins", present=False),
        Group("admins", excluded_members=["bob"]),
        Group("new", members=["alice"], excluded_members=["bob"]),
        Group("admins", members=[], append=False, excluded_members=["bob"]),
        Group("deploy", gid=4000, members=["alice", "bob"], system=True),
        Group("gone", present=False),
    )
    for found in ({}, {"admins": {"bob"}}, {"admins": {"alice"}})
]
