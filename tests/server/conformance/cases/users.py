"""User profiles and permissions."""

from __future__ import annotations

from tests.server.conformance.case import Case, case
from tests.server.conformance.world import World

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2hs3cl9sCqzTxyC3mVhSq3kKc3pYtF3nqT5jvM9Q2k ann@example.org"
PROFILE = {"SshUsername": "ann", "SshPublicKey": KEY, "AllowSelfManagement": True}
NOBODY = "arn:aws:iam::123456789012:user/nobody-here"


def _arn(name: str) -> str:
    return f"arn:aws:iam::123456789012:user/{name}"


@case("CreateUserProfile")
def create_user_profile(w: World) -> Case:
    w.user("taken")
    return Case(
        minimal={"IamUserArn": _arn("bob")},
        fuller=[{"IamUserArn": _arn("ann"), **PROFILE}],
        invalid=[
            ({"IamUserArn": _arn("taken")}, "taken"),
            ({"IamUserArn": "ann"}, "IamUserArn"),
            ({"IamUserArn": _arn("eve"), "SshUsername": "root"}, "root"),
            ({"IamUserArn": _arn("eve"), "SshPublicKey": "no key"}, "SshPublicKey"),
        ],
    )


@case("UpdateUserProfile")
def update_user_profile(w: World) -> Case:
    arn = w.user()
    return Case(
        minimal={"IamUserArn": arn},
        fuller=[{"IamUserArn": arn, **PROFILE, "SshUsername": "anna"}],
        invalid=[({"IamUserArn": arn, "SshUsername": "root"}, "root")],
        missing=[({"IamUserArn": NOBODY}, NOBODY)],
    )


@case("DeleteUserProfile")
def delete_user_profile(w: World) -> Case:
    return Case(
        minimal={"IamUserArn": w.user()},
        missing=[({"IamUserArn": NOBODY}, NOBODY)],
    )


@case("DescribeUserProfiles")
def describe_user_profiles(w: World) -> Case:
    arn = w.user(**PROFILE)
    return Case(
        minimal={},
        fuller=[{"IamUserArns": [arn]}],
        missing=[({"IamUserArns": [NOBODY]}, NOBODY)],
        invalid=[({"IamUserArns": [["ann"]]}, "IamUserArns")],
    )


@case("DescribeMyUserProfile")
def describe_my_user_profile(w: World) -> Case:
    _own_profile(w)
    return Case(minimal={})


@case("UpdateMyUserProfile")
def update_my_user_profile(w: World) -> Case:
    _own_profile(w)
    return Case(minimal={}, fuller=[{"SshPublicKey": KEY}], invalid=[({"SshPublicKey": "no key"}, "SshPublicKey")])


@case("SetPermission")
def set_permission(w: World) -> Case:
    stack, arn = w.stack(), w.user(**PROFILE)
    least = {"StackId": stack, "IamUserArn": arn}
    return Case(
        minimal=least,
        fuller=[{**least, "AllowSsh": True, "AllowSudo": False, "Level": "manage"}],
        invalid=[({**least, "Level": "admin"}, "admin")],
        missing=[({**least, "StackId": least["IamUserArn"]}, "stack"), ({**least, "IamUserArn": NOBODY}, NOBODY)],
    )


@case("DescribePermissions")
def describe_permissions(w: World) -> Case:
    stack, arn = w.stack(), w.user(**PROFILE)
    return Case(
        minimal={"StackId": stack},
        fuller=[{"IamUserArn": arn}],
        invalid=[({}, "Please provide")],
        missing=[({"IamUserArn": NOBODY}, NOBODY)],
    )


def _own_profile(w: World) -> None:
    """The caller of a world is the account's owner; he too may have a profile."""
    w("CreateUserProfile", IamUserArn="arn:aws:iam::123456789012:root", **PROFILE)
