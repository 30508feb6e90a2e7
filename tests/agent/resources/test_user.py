from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, NotConverged, Secret, converge
from toque.core.diffs import describe
from toque.resources.user import User
from toque.testing.machine import FakeHost
from toque.testing.programs.accounts import Account, Accounts

HASH = "$6$saltsalt$kM3fO0rXo2yZs0lq/abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ./abcd"


def machine(**what: set[str]) -> FakeHost:
    return FakeHost(
        users={"root": 0, "alice": 1001},
        groups={"root": 0, "alice": 1001, "users": 100, "sudo": 27, "docker": 999, "www-data": 33},
        programs=[
            Accounts(
                users={"alice": Account(gid=1001, comment="Alice", home="/home/alice", shell="/bin/bash")},
                members={"sudo": {"alice"}},
                **what,
            )
        ],
    )


def test_a_missing_user_is_made_in_one_go() -> None:
    host = machine()

    converge(User("deploy", uid=4000, group="www-data", groups=["docker"], home="/srv", shell="/bin/bash"), host)

    assert host.ran == [
        "useradd --uid 4000 --gid www-data -d /srv --shell /bin/bash --groups docker --create-home -- deploy"
    ]


def test_only_what_differs_is_touched() -> None:
    host = machine()

    converge(User("alice", uid=1001, shell="/bin/zsh", comment="Alice"), host)

    assert host.ran == ["usermod --shell /bin/zsh -- alice"]


def test_what_the_recipe_does_not_name_is_left_alone() -> None:
    assert converge(User("alice"), machine()) is None


def test_groups_are_added_and_others_kept() -> None:
    host = machine()

    converge(User("alice", groups=["docker"]), host)

    assert host.ran == ["usermod --append --groups docker -- alice"]


def test_other_groups_are_left_when_the_list_is_the_whole_list() -> None:
    host = machine()

    converge(User("alice", groups=["docker"], append=False), host)

    assert host.ran == ["usermod --groups docker -- alice"]
    assert converge(User("alice", groups=["docker"], append=False), host) is None


def test_the_first_group_is_not_one_of_the_others() -> None:
    assert converge(User("alice", groups=["sudo"], append=False), machine()) is None


def test_a_group_that_bears_the_new_users_name_becomes_the_first_group() -> None:
    host = machine()

    converge(User("www-data"), host)

    assert host.ran == ["useradd --gid www-data --create-home -- www-data"]


def test_a_system_user_gets_no_home_folder_unless_the_recipe_says_so() -> None:
    host = machine()

    converge(User("www", system=True), host)
    converge(User("ftp", system=True, create_home=True), host)

    assert host.ran == ["useradd --system -- www", "useradd --system --create-home -- ftp"]


def test_a_password_hash_is_in_no_command_line_and_no_report() -> None:
    host, want = machine(), User("alice", password=Secret(HASH))

    change = converge(want, host)

    assert change is not None
    assert host.ran == ["chpasswd --encrypted"]
    assert host.inputs == [f"alice:{HASH}\n"]
    assert HASH not in "".join(describe(want, change)) + repr(change)
    assert converge(want, host) is None


def test_a_password_in_clear_is_refused_without_showing_it() -> None:
    with pytest.raises(BadProperty, match="openssl passwd -6") as refused:
        User("alice", password="swordfish")

    assert "swordfish" not in str(refused.value)


def test_a_user_who_shall_not_be_is_removed_with_the_home_only_when_asked() -> None:
    host, other = machine(), machine()

    converge(User("alice", present=False), host)
    converge(User("alice", present=False, remove_home=True), other)

    assert host.ran == ["userdel -- alice"]
    assert other.ran == ["userdel --remove -- alice"]


def test_a_user_is_locked_and_unlocked_with_the_password_kept() -> None:
    host = machine()
    converge(User("alice", password=Secret(HASH), locked=True), host)

    assert converge(User("alice", password=Secret(HASH), locked=True), host) is None
    assert converge(User("alice", locked=False), host) is not None
    assert host.ran == ["chpasswd --encrypted", "usermod --lock -- alice", "usermod --unlock -- alice"]
    assert converge(User("alice", password=Secret(HASH)), host) is None


def test_whoever_has_no_password_cannot_be_unlocked_and_the_page_says_why() -> None:
    with pytest.raises(NotConverged) as failed:
        converge(User("alice", locked=False), machine())

    assert "passwordless account" in "\n".join(failed.value.details())


def test_an_account_ends_on_its_day_or_never() -> None:
    host = machine()

    converge(User("alice", expires="2030-12-31"), host)
    converge(User("alice", expires="never"), host)
    converge(User("bob", expires="2030-12-31"), host)

    assert host.ran == [
        "usermod --expiredate 2030-12-31 -- alice",
        "usermod --expiredate  -- alice",
        "useradd --expiredate 2030-12-31 --create-home -- bob",
    ]


@pytest.mark.parametrize("day", ["tomorrow", "2030-02-30", "20301231", "", "-1"])
def test_an_expiry_that_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(BadProperty, match='user expires must be a day as "2030-12-31"'):
        User("alice", expires=day)


def test_a_slash_at_the_end_of_a_home_makes_no_difference() -> None:
    host = machine()

    converge(User("alice", home="/srv/alice/"), host)

    assert host.ran == ["usermod -d /srv/alice -- alice"]
    assert converge(User("alice", home="/srv/alice/"), host) is None


def test_a_home_is_an_absolute_path() -> None:
    with pytest.raises(BadProperty, match="user home: needs an absolute path, got 'srv'"):
        User("alice", home="srv")


def test_a_home_is_moved_only_when_asked() -> None:
    host = machine()

    converge(User("alice", home="/srv/alice"), host)
    converge(User("alice", home="/srv/a", move_home=True), host)

    assert host.ran == ["usermod -d /srv/alice -- alice", "usermod -d /srv/a --move-home -- alice"]


def test_somebody_who_is_logged_in_is_removed_only_with_the_sessions() -> None:
    host = machine(logged_in={"alice"})

    with pytest.raises(CommandFailed, match="currently used by process"):
        converge(User("alice", present=False), host)
    converge(User("alice", present=False, end_sessions=True), host)

    assert "alice" not in host.users


@pytest.mark.parametrize("option", ["remove_home", "end_sessions"])
def test_what_belongs_to_removal_is_refused_without_it(option: str) -> None:
    with pytest.raises(BadProperty, match=f"user {option} goes with present=False"):
        User("alice", **{option: True})  # type: ignore[arg-type]


def test_a_password_that_never_works_is_not_locked_as_well() -> None:
    with pytest.raises(BadProperty, match="or locked, not both"):
        User("alice", password="!", locked=False)


@pytest.mark.parametrize("name", ["", "-h", "a:b", "a b", "x" * 40, "ü", "root\n"])
def test_S22_a_name_that_could_be_an_option_or_a_field_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="user name must be"):
        User(name)


@pytest.mark.parametrize("field", ["home", "shell", "comment"])
@pytest.mark.parametrize("value", ["/x:0:0", "a\nroot::0:0"])
def test_S22_no_property_can_add_a_field_to_the_password_file(field: str, value: str) -> None:
    with pytest.raises(BadProperty, match=f"user {field}"):
        User("alice", **{field: value})  # type: ignore[arg-type]


CASES = [
    Case(want, partial(machine))
    for want in (
        User("alice"),
        User("alice", uid=1500, group="users", groups=["docker"], home="/srv/alice", shell="/bin/sh", comment="A"),
        User("alice", groups=[], append=False),
        User("alice", group="33", password=Secret(HASH)),
        User("alice", present=False),
        User("bob", present=False),
        User("bob", system=True),
        User("bob", locked=True, expires="2030-12-31"),
        User("alice", password=Secret(HASH), locked=True, expires="never"),
        User("alice", locked=True),
        User("bob", expires="never"),
        User("alice", password=Secret(HASH), locked=False),
        User("alice", present=False, end_sessions=True, remove_home=True),
        User("www-data", groups=["sudo", "docker"], append=False, password="*", create_home=False),
    )
]
