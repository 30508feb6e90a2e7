from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.server.operations.calls import Caller
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.store.tables import audit

ANN = "arn:aws:iam::123456789012:user/ann"
WINDOWS = "Microsoft Windows Server 2012 R2 Base"


@pytest.fixture
def ann(root: Caller) -> Caller:
    root("CreateUser", UserName="ann")
    return root.as_user("ann")


def instance(root: Caller, **stack: Any) -> tuple[str, str]:
    at = root.stack(**stack)
    return at, root.instance(at, root.layer(at))


def test_07_28_access_to_a_linux_instance_is_a_validation_exception(root: Caller) -> None:
    _, linux = instance(root)

    with pytest.raises(ValidationException, match="^This action can be used only with Windows stacks$"):
        root("GrantAccess", InstanceId=linux)
    with pytest.raises(ResourceNotFoundException, match="nobody"):
        root("GrantAccess", InstanceId="nobody")


@pytest.mark.parametrize("minutes", [59, 1441, 5000, 0, -60])
def test_07_section_7_the_server_checks_how_long_the_grant_is(root: Caller, minutes: int) -> None:
    _, linux = instance(root)

    with pytest.raises(ValidationException, match=f"ValidForInMinutes must be 60 to 1440, not {minutes}"):
        root("GrantAccess", InstanceId=linux, ValidForInMinutes=minutes)


def test_07_section_7_an_instance_that_is_not_online_gives_no_access(root: Caller) -> None:
    _, windows = instance(root, DefaultOs=WINDOWS)

    with pytest.raises(ValidationException, match="is stopped: access is granted to an instance that is online"):
        root("GrantAccess", InstanceId=windows, ValidForInMinutes=60)


def test_07_c2_the_level_alone_does_not_do_it_takes_ssh_too(root: Caller, ann: Caller) -> None:
    stack, linux = instance(root)
    for rights, why in (
        ({}, "GrantAccess"),
        ({"Level": "manage"}, f"on resource: .*stack/{stack}/: it takes AllowSsh on the stack"),
        ({"Level": "iam_only", "AllowSsh": True}, "GrantAccess"),
    ):
        root("SetPermission", StackId=stack, IamUserArn=ANN, **rights)
        with pytest.raises(AccessDeniedException, match=f"not authorized to perform: .*{why}"):
            ann("GrantAccess", InstanceId=linux)

    root("SetPermission", StackId=stack, IamUserArn=ANN, Level="show", AllowSsh=True)
    with pytest.raises(ValidationException, match="only with Windows stacks"):
        ann("GrantAccess", InstanceId=linux)


def test_07_30_a_denial_for_want_of_ssh_is_audited(root: Caller, ann: Caller) -> None:
    stack, linux = instance(root)
    root("SetPermission", StackId=stack, IamUserArn=ANN, Level="show")
    with pytest.raises(AccessDeniedException):
        ann("GrantAccess", InstanceId=linux)

    with root.services.database.read() as conn:
        entries = conn.execute(select(audit.c.user_arn, audit.c.allowed).where(audit.c.action == "GrantAccess"))
        assert [tuple(each) for each in entries] == [(ANN, False)]
