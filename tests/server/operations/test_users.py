from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    ValidationException,
)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ann@laptop"


def arn(name: str) -> str:
    return f"arn:aws:iam::123456789012:user/{name}"


def levels(root: Caller, **selectors: str) -> dict[tuple[str, str], str]:
    found = root("DescribePermissions", **selectors)["Permissions"]
    return {(each["StackId"], each["IamUserArn"]): each["Level"] for each in found}


def test_07_1_and_07_2_everyone_stands_on_every_stack_at_iam_only(root_on_either: Caller) -> None:
    root = root_on_either
    old = root.stack()
    root("CreateUserProfile", IamUserArn=arn("ann"))
    new = root.stack()

    assert levels(root, StackId=old) == {(old, arn("ann")): "iam_only"}
    [record] = root("DescribePermissions", StackId=new)["Permissions"]
    assert (record["IamUserArn"], record["Level"]) == (arn("ann"), "iam_only")
    assert (record["AllowSsh"], record["AllowSudo"]) == (False, False)


def test_07_3_without_a_level_there_is_no_access(root: Caller) -> None:
    stack = root.stack()
    root("CreateUser", UserName="ann")

    with pytest.raises(AccessDeniedException, match="not authorized to perform: opsworks:DescribeApps"):
        root.as_user("ann")("DescribeApps", StackId=stack)


def test_07_6_and_07_7_a_manager_creates_no_stack_but_may_delete_one(root: Caller) -> None:
    stack = root.stack()
    root("CreateUser", UserName="ann")
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="manage")
    ann = root.as_user("ann")

    for operation, members in (("CreateUserProfile", {"IamUserArn": arn("bob")}), ("DescribeUserProfiles", {})):
        with pytest.raises(AccessDeniedException):
            ann(operation, **members)
    with pytest.raises(AccessDeniedException):
        ann.stack()
    ann("DeleteStack", StackId=stack)


def test_07_8_deny_beats_an_administrator(root: Caller) -> None:
    stack = root.stack()
    root("CreateUser", UserName="ann", Administrator=True)
    ann = root.as_user("ann", administrator=True)
    ann("DescribeStackSummary", StackId=stack)

    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="deny")

    with pytest.raises(AccessDeniedException):
        ann("DescribeStackSummary", StackId=stack)


def test_07_12_to_07_14_nobody_changes_his_own_level_and_absent_members_stay(root: Caller) -> None:
    stack = root.stack()
    root("CreateUser", UserName="ann")
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="manage")
    ann = root.as_user("ann")

    with pytest.raises(ValidationException, match="own Level"):
        ann("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="manage")
    ann("SetPermission", StackId=stack, IamUserArn=arn("ann"), AllowSsh=True)
    with pytest.raises(ValidationException, match="admin"):
        root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="admin")
    with pytest.raises(ResourceNotFoundException, match="nobody"):
        root("SetPermission", StackId=stack, IamUserArn=arn("nobody"), Level="show")

    [record] = root("DescribePermissions", StackId=stack)["Permissions"]
    assert (record["Level"], record["AllowSsh"]) == ("manage", True)


def test_07_15_permissions_by_stack_by_user_and_by_both(root: Caller) -> None:
    one, two = root.stack(), root.stack()
    for name in ("ann", "bob"):
        root("CreateUser", UserName=name)

    assert len(levels(root, StackId=one)) == 2
    assert set(levels(root, IamUserArn=arn("ann"))) == {(one, arn("ann")), (two, arn("ann"))}
    assert len(levels(root, StackId=one, IamUserArn=arn("ann"))) == 1
    with pytest.raises(ValidationException, match="StackId, IamUserArn, or both"):
        root("DescribePermissions")


def test_07_16_and_07_17_login_names_are_made_fit(root: Caller) -> None:
    root("CreateUserProfile", IamUserArn=arn("ann"), SshUsername="my.name")
    root("CreateUserProfile", IamUserArn=arn("team/my.name"))

    profiles = {each["IamUserArn"]: each for each in root("DescribeUserProfiles")["UserProfiles"]}
    assert profiles[arn("ann")]["SshUsername"] == "myname"
    assert profiles[arn("team/my.name")]["SshUsername"] == "myname2"
    assert profiles[arn("team/my.name")]["Name"] == "my.name"
    assert "SshPublicKey" not in profiles[arn("ann")]
    with pytest.raises(ResourceNotFoundException, match="nobody"):
        root("DescribeUserProfiles", IamUserArns=[arn("nobody")])


@pytest.mark.parametrize("name", ["root", "1st", "-x", "opsworks", "a" * 33])
def test_names_that_systems_use_are_no_login_names(root: Caller, name: str) -> None:
    with pytest.raises(ValidationException, match="please send another SshUsername"):
        root("CreateUserProfile", IamUserArn=arn("ann"), SshUsername=name)


@pytest.mark.parametrize("key", ["ssh-rsa", "ssh-rsa AAAA", f'command="id" {KEY}', f"{KEY}\nrubbish"])
def test_only_public_keys_are_public_keys(root: Caller, key: str) -> None:
    with pytest.raises(ValidationException, match="OpenSSH"):
        root("CreateUserProfile", IamUserArn=arn("ann"), SshPublicKey=key)


def test_07_18_self_management_reaches_the_own_key_and_nothing_else(root: Caller) -> None:
    root("CreateUser", UserName="ann")
    with pytest.raises(AccessDeniedException):
        root.as_user("ann")("DescribeMyUserProfile")
    root("UpdateUserProfile", IamUserArn=arn("ann"), AllowSelfManagement=True)
    ann = root.as_user("ann", self_management=True)

    ann("UpdateMyUserProfile", SshPublicKey=KEY)
    ann("UpdateMyUserProfile")

    assert ann("DescribeMyUserProfile")["UserProfile"] == {
        "IamUserArn": arn("ann"),
        "Name": "ann",
        "SshUsername": "ann",
        "SshPublicKey": KEY,
    }
    ann("UpdateMyUserProfile", SshPublicKey="")
    assert "SshPublicKey" not in ann("DescribeMyUserProfile")["UserProfile"]


def order_of(root: Caller, instance: str) -> list[tuple[str, bool]]:
    from toque_server.store import commands

    with root.services.database.read() as conn:
        found = commands.of_instance(conn, instance)
    return [(each.type, bool(each.args.get("revokes"))) for each in reversed(found)]


def test_07_27_and_04_9_a_change_of_rights_goes_to_online_instances_without_a_deployment(root: Caller) -> None:
    from toque_server.store import configures

    stack = root.stack()
    layer = root.layer(stack)
    up, down = root.instance(stack, layer), root.instance(stack, layer)
    root.bring_online(up)
    root("CreateUser", UserName="ann")

    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="show")
    assert order_of(root, up) == []
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), AllowSsh=True)
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), AllowSudo=True)
    assert order_of(root, up) == [("sync_remote_users", False)]
    root("UpdateUserProfile", IamUserArn=arn("ann"), SshPublicKey=KEY)
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), AllowSsh=False)
    assert order_of(root, up) == [("sync_remote_users", False), ("sync_remote_users", True)]

    assert order_of(root, down) == []
    [command, *_] = root("DescribeCommands", InstanceId=up)["Commands"]
    assert "DeploymentId" not in command
    with root.services.database.read() as conn:
        assert configures.get(conn, stack) is not None


def test_07_20_a_user_has_one_uid_everywhere_and_for_good(root: Caller) -> None:
    from toque_server.store import users

    one, two = root.stack(), root.stack()
    for name in ("ann", "bob"):
        root("CreateUser", UserName=name)
    for stack, name in ((one, "ann"), (two, "bob"), (two, "ann")):
        root("SetPermission", StackId=stack, IamUserArn=arn(name), AllowSsh=True)

    with root.services.database.read() as conn:
        assert [each.profile and each.profile.uid for each in users.listed(conn)] == [2000, 2001]


def test_07_31_a_deleted_profile_is_off_every_list(root: Caller) -> None:
    stack = root.stack()
    up = root.instance(stack, root.layer(stack))
    root.bring_online(up)
    root("CreateUser", UserName="ann")
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), AllowSsh=True, Level="manage")

    root("DeleteUserProfile", IamUserArn=arn("ann"))

    assert levels(root, StackId=stack) == {}
    assert order_of(root, up)[-1] == ("sync_remote_users", True)
    with pytest.raises(AccessDeniedException):
        root.as_user("ann")("DescribeApps", StackId=stack)


def test_users_keys_and_tokens_are_made_shown_once_and_deleted(root_on_either: Caller) -> None:
    root = root_on_either
    root("CreateUser", UserName="ann")
    with pytest.raises(ValidationException, match="ann already"):
        root("CreateUser", UserName="ann")
    ann = root.as_user("ann")

    key: dict[str, Any] = ann("CreateAccessKey")
    token: dict[str, Any] = ann("CreateApiToken", Label="laptop", ExpiresInDays=1)

    [listed] = root("DescribeAccessKeys", UserArn=arn("ann"))["AccessKeys"]
    assert listed["AccessKeyId"] == key["AccessKeyId"] and "SecretAccessKey" not in listed
    [known] = ann("DescribeApiTokens")["ApiTokens"]
    assert known["TokenId"] == token["TokenId"] and "Token" not in known
    with pytest.raises(AccessDeniedException):
        ann("CreateAccessKey", UserArn=root.principal.arn)
    ann("DeleteAccessKey", AccessKeyId=key["AccessKeyId"])
    ann("DeleteApiToken", TokenId=token["TokenId"])
    assert ann("DescribeAccessKeys")["AccessKeys"] == ann("DescribeApiTokens")["ApiTokens"] == []


def test_a_user_is_deleted_with_the_profile_only_when_told_so(root: Caller) -> None:
    root("CreateUser", UserName="ann", Password="correct horse battery")

    with pytest.raises(ValidationException, match="Cascade"):
        root("DeleteUser", UserArn=arn("ann"))
    root("DeleteUser", UserArn=arn("ann"), Cascade=True)

    assert root("DescribeUsers")["Users"] == []
    with pytest.raises(ValidationException, match="12 characters"):
        root("CreateUser", UserName="bob", Password="short")


def test_07_30_a_refused_call_is_in_the_audit(root: Caller) -> None:
    import sqlalchemy as sa

    from toque_server.store.tables import audit

    stack = root.stack()
    root("CreateUser", UserName="ann")
    with pytest.raises(AccessDeniedException):
        root.as_user("ann")("DeleteStack", StackId=stack)

    with root.services.database.read() as conn:
        last = conn.execute(sa.select(audit).order_by(audit.c.number.desc()).limit(1)).one()
    assert (last.user_arn, last.action, last.allowed) == (arn("ann"), "DeleteStack", False)


def uid_of(root: Caller, name: str) -> int | None:
    from toque_server.store import users

    with root.services.database.read() as conn:
        user = users.get(conn, arn(name))
    return None if user is None or user.profile is None else user.profile.uid


def test_a_user_id_is_held_back_for_90_days_after_its_profile(root_on_either: Caller) -> None:
    from datetime import timedelta

    from toque_server.store import installation

    root = root_on_either
    stack = root.stack()
    for name in ("ann", "bob", "cat"):
        root("CreateUser", UserName=name)
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), AllowSsh=True)
    root("DeleteUser", UserArn=arn("ann"), Cascade=True)

    root("SetPermission", StackId=stack, IamUserArn=arn("bob"), AllowSsh=True)
    assert uid_of(root, "bob") == 2001
    with root.services.database.write() as conn:
        long_ago = root.services.database.now(conn) - timedelta(days=90)
        installation.put(conn, "uid.freed.2000", long_ago.isoformat())

    root("SetPermission", StackId=stack, IamUserArn=arn("cat"), AllowSsh=True)
    assert uid_of(root, "cat") == 2000


def test_when_no_user_id_is_left_set_permission_says_so(root: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from toque_server.domain import user

    monkeypatch.setattr(user, "UIDS", range(2000, 2001))
    stack = root.stack()
    for name in ("ann", "bob"):
        root("CreateUser", UserName=name)
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), AllowSsh=True)

    with pytest.raises(ValidationException, match="every user id from 2000 to 2000 is taken"):
        root("SetPermission", StackId=stack, IamUserArn=arn("bob"), AllowSsh=True)


def test_07_4_and_07_5_show_looks_and_deploy_deploys_and_edits_apps(root: Caller) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    app = root.app(stack)
    root.bring_online(instance)
    root("CreateUser", UserName="ann")
    ann = root.as_user("ann")
    deploys = {"StackId": stack, "AppId": app, "Command": {"Name": "deploy"}}

    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="show")
    assert len(ann("DescribeInstances", StackId=stack)["Instances"]) == 1
    with pytest.raises(AccessDeniedException):
        ann("CreateDeployment", **deploys)

    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="deploy")
    ann("CreateDeployment", **deploys)
    ann("UpdateApp", AppId=app, Name="Shop")
    for operation, members in (
        ("CreateApp", {"StackId": stack, "Name": "b", "Type": "other"}),
        ("StartInstance", {"InstanceId": instance}),
    ):
        with pytest.raises(AccessDeniedException):
            ann(operation, **members)


def test_an_administrator_sees_no_events_of_a_stack_that_is_denied_to_him(root: Caller) -> None:
    open_to_all, denied = root.stack(Name="open"), root.stack(Name="secret")
    root("CreateUser", UserName="ann", Administrator=True)
    ann = root.known("ann")
    told = {each.get("StackId") for each in ann("DescribeEvents")["Events"]}
    root("SetPermission", StackId=denied, IamUserArn=arn("ann"), Level="deny")

    assert {each.get("StackId") for each in ann("DescribeEvents")["Events"]} == told - {denied}
    assert open_to_all in told


def test_everybody_sees_his_own_levels(root: Caller) -> None:
    stack, _ = root.stack(), root.stack(Name="other")
    root("CreateUser", UserName="ann")
    assert root.known("ann")("DescribeMyPermissions")["Permissions"] == []
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="deny")

    [mine] = root.known("ann")("DescribeMyPermissions")["Permissions"]

    assert (mine["StackId"], mine["Level"], mine["AllowSsh"]) == (stack, "deny", False)
