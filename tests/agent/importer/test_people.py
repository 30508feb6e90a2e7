from __future__ import annotations

from pathlib import Path

from tests.agent.importer.test_mapping import all_of, of, only, told
from toque.stackfile.model import Permission, User


def test_users_are_named_as_they_were_in_the_servers_account() -> None:
    document = only("shop").document

    assert document.permissions == {
        "ann": Permission(level="manage", allow_ssh=True, allow_sudo=True),
        "bob": Permission(level="deploy", allow_ssh=True),
    }
    assert {name: each.allow_self_management for name, each in (document.users or {}).items()} == {
        "ann": True,
        "bob": False,
        "carl": False,
    }
    text = told(all_of("shop"))
    assert "assumed-role/deployer/ci: only users can be imported" in text
    assert "user bob: his SSH key is of a kind that is not taken any more" in text


def test_users_of_several_stacks_are_made_once() -> None:
    found = all_of("shop", "legacy")

    assert [each.document.users is not None for each in found.stacks] == [True, False]


def test_a_permission_without_a_profile_makes_a_plain_one(tmp_path: Path) -> None:
    record = {"StackId": "s-1", "IamUserArn": "arn:aws:iam::1:user/dan", "Level": "show"}

    found = of(tmp_path, Permissions=[record])

    assert found.stacks[0].document.users == {"dan": User()}
    assert "user dan: there is no profile in the dump: a plain one is made" in told(found)


def test_a_level_that_there_is_not_is_left_out(tmp_path: Path) -> None:
    found = of(tmp_path, Permissions=[{"StackId": "s-1", "IamUserArn": "arn:aws:iam::1:user/ann", "Level": "boss"}])

    assert found.stacks[0].document.permissions == {}
    assert "user arn:aws:iam::1:user/ann: there is no level boss" in told(found)


def test_two_users_of_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    arns = ("arn:aws:iam::1:user/ann", "arn:aws:iam::2:user/team/ann", "arn:aws:iam::1:root")

    found = of(tmp_path, UserProfiles=[{"IamUserArn": arn} for arn in arns])

    assert list(found.stacks[0].document.users or {}) == ["ann"]
    assert f"user {arns[1]}: there is another user called ann" in told(found)
    assert f"user {arns[2]}: only users can be imported" in told(found)
