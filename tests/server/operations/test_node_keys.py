"""Keys of nodes as operators see them: state, age, conflict; and how they end or go on (S10, S11)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.server.operations.calls import Caller
from toque.protocol.keys import fingerprint
from toque.protocol.messages import Fingerprint
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.store import nodes


def join(root: Caller, stack: str, instance: str, *key_ids: str, **rest: object) -> None:
    """Keys of an instance, each a day older than the one before."""
    with root.services.database.write() as conn:
        now = root.services.database.now(conn)
        for age, key_id in enumerate(key_ids):
            values = {
                "key_id": key_id,
                "instance_id": instance,
                "stack_id": stack,
                "public": key_id.encode() * 4,
                "sealing": b"s" * 32,
                "state": "current" if age == 0 else "revoked",
                "created_at": now - timedelta(days=age),
                "enrolment_id": key_id,
                "fingerprint": Fingerprint(machine_id=f"machine-{key_id}"),
            }
            nodes.add(conn, nodes.NodeKey(**values | rest))  # type: ignore[arg-type]


def test_s10_keys_are_described_with_state_and_age(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    one = root.instance(stack, root.layer(stack), Hostname="one")
    join(root, stack, one, "n-new", "n-old")

    [key] = root("DescribeNodeKeys", StackId=stack)["NodeKeys"]
    both = root("DescribeNodeKeys", InstanceId=one, IncludeRevoked=True)["NodeKeys"]

    assert (key["KeyId"], key["Hostname"], key["State"], key["Conflict"]) == ("n-new", "one", "current", False)
    assert (key["Fingerprint"], key["MachineId"]) == (fingerprint(b"n-new" * 4), "machine-n-new")
    assert "LastContactAt" not in key
    assert [(each["KeyId"], each["State"], each["AgeSeconds"] // 86400) for each in both] == [
        ("n-new", "current", 0),
        ("n-old", "revoked", 1),
    ]


def test_keys_come_in_pages(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    for n in range(3):
        join(root, stack, root.instance(stack, layer), f"n-{n}")

    first = root("DescribeNodeKeys", StackId=stack, MaxResults=2)
    second = root("DescribeNodeKeys", StackId=stack, MaxResults=2, NextToken=first["NextToken"])

    shown = [each["KeyId"] for each in first["NodeKeys"] + second["NodeKeys"]]
    assert (sorted(shown), "NextToken" in second) == (["n-0", "n-1", "n-2"], False)


def test_s11_an_instance_that_is_held_is_shown_and_freed(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    one = root.instance(stack, root.layer(stack), Hostname="one")
    join(root, stack, one, "n-1", conflict=True)
    assert root("DescribeNodeKeys", InstanceId=one)["NodeKeys"][0]["Conflict"]

    root("FreeNodeKey", InstanceId=one)

    assert not root("DescribeNodeKeys", InstanceId=one)["NodeKeys"][0]["Conflict"]
    assert root("DescribeEvents", InstanceId=one, Kinds=["node.freed"])["Events"]
    assert root("DescribeAuditEvents", Action="FreeNodeKey")["Events"]
    with pytest.raises(ValidationException, match="one is not held"):
        root("FreeNodeKey", InstanceId=one)


def test_a_revoked_key_is_not_shown_unless_asked_for(root: Caller) -> None:
    stack = root.stack()
    one = root.instance(stack, root.layer(stack))
    join(root, stack, one, "n-1")

    root("RevokeNodeKey", InstanceId=one)

    assert root("DescribeNodeKeys", StackId=stack)["NodeKeys"] == []
    with pytest.raises(ValidationException, match="no machine has joined") as refused:
        root("RevokeNodeKey", InstanceId=one)
    assert refused.value.field == "InstanceId"


def test_level_show_sees_keys_and_manage_ends_them(root: Caller) -> None:
    stack = root.stack()
    one = root.instance(stack, root.layer(stack))
    join(root, stack, one, "n-1")
    arn = root("CreateUser", UserName="ann")["UserArn"]
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="deploy")
    ann = root.as_user("ann")

    assert ann("DescribeNodeKeys", StackId=stack)["NodeKeys"]
    for operation in ("RevokeNodeKey", "FreeNodeKey"):
        with pytest.raises(AccessDeniedException):
            ann(operation, InstanceId=one)
    with pytest.raises(ResourceNotFoundException, match="i-none"):
        root("DescribeNodeKeys", InstanceId="i-none")
    with pytest.raises(ValidationException, match="StackId or InstanceId"):
        root("DescribeNodeKeys")
