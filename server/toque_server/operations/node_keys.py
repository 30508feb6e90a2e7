"""Keys of nodes: the identities of machines, and what ends them or holds them (chapter 10, S10 and S11)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from toque.protocol.keys import fingerprint
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import contacts, events, instances, nodes
from toque_server.store.nodes import NodeKey

_RAISES = (ValidationException, ResourceNotFoundException)


class DescribeNodeKeys(Paged, frozen=True, kw_only=True):
    """Of the instances of a stack, or of one instance; at most 1,000 on a page. `include_revoked`: old ones, too."""

    largest: ClassVar[int] = 1000

    stack_id: str | None = None
    instance_id: str | None = None
    include_revoked: bool = False


class NodeKeyView(Result, frozen=True, kw_only=True):
    """One key. `state`: `current`; `retiring` until its successor is first used; `revoked`.

    `conflict`: two machines used it, so that neither gets commands until somebody frees it. `fingerprint` is the
    SHA-256 of the public half; `machine_id`, `product_uuid` and `provider_instance_id` are of the machine that enrolled
    with it. `last_contact_at` is the instance's, whichever of its keys it used.
    """

    key_id: str
    instance_id: str
    hostname: str | None
    state: str
    conflict: bool
    fingerprint: str
    created_at: datetime
    age_seconds: int
    last_contact_at: datetime | None
    machine_id: str | None
    product_uuid: str | None
    provider_instance_id: str | None


class NodeKeysDescribed(Result, frozen=True, kw_only=True):
    node_keys: list[NodeKeyView]
    next_token: str | None


class RevokeNodeKey(Request, frozen=True, kw_only=True):
    instance_id: str


class FreeNodeKey(Request, frozen=True, kw_only=True):
    instance_id: str


@operation(
    permission=Permission.SHOW,
    target=TOQUE,
    stack=finding.one_of(stack_id="stack", instance_id="instance"),
    raises=_RAISES,
)
def describe_node_keys(ctx: Context, req: DescribeNodeKeys) -> NodeKeysDescribed:
    """Describe the keys with which the machines of a stack, or of one instance, prove who they are."""
    if req.instance_id is not None:
        keys = nodes.of_instance(ctx.conn, req.instance_id)
        heard = contacts.get(ctx.conn, req.instance_id)
        last = {} if heard is None else {req.instance_id: heard.last_at}
    else:
        assert req.stack_id is not None
        keys = nodes.of_stack(ctx.conn, req.stack_id)
        last = {id: contact.last_at for id, contact in contacts.of_stack(ctx.conn, req.stack_id).items()}
    wanted = [each for each in keys if req.include_revoked or each.state != "revoked"]
    shown, token = page(ctx, req, wanted, key=lambda each: f"{each.instance_id} {each.key_id}")
    names = {id: each.hostname for id, each in instances.by_ids(ctx.conn, {each.instance_id for each in shown}).items()}
    return NodeKeysDescribed(
        node_keys=[_view(ctx, each, names.get(each.instance_id), last.get(each.instance_id)) for each in shown],
        next_token=token,
    )


@operation(
    permission=Permission.MANAGE, target=TOQUE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES
)
def revoke_node_key(ctx: Context, req: RevokeNodeKey) -> None:
    """End the identity of an instance's machine: nothing it says is believed from now on.

    The machine can come back with a join token for the instance.
    """
    instance = finding.instance(ctx, req.instance_id)
    if nodes.revoke(ctx.conn, instance.id) == 0:
        raise ValidationException(
            f"{instance.hostname} has no key to revoke: no machine has joined as it", field="InstanceId"
        )
    events.add(
        ctx.conn,
        "node.revoked",
        f"the key of {instance.hostname} was revoked by {ctx.caller.name}",
        at=ctx.now,
        stack_id=instance.stack_id,
        instance_id=instance.id,
    )


@operation(
    permission=Permission.MANAGE, target=TOQUE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES
)
def free_node_key(ctx: Context, req: FreeNodeKey) -> None:
    """Let an instance go on that is held because two machines used its key.

    The machine that was heard last goes on. First switch the other one off, or delete its state directory: while both
    are there, they are held again. To keep the other one, call RevokeNodeKey and let it join with a new token.
    """
    instance = finding.instance(ctx, req.instance_id)
    if not nodes.set_conflict(ctx.conn, instance.id, False):
        raise ValidationException(f"{instance.hostname} is not held: one machine uses its key", field="InstanceId")
    events.add(
        ctx.conn,
        "node.freed",
        f"{instance.hostname} was freed by {ctx.caller.name}: one machine uses its key",
        at=ctx.now,
        stack_id=instance.stack_id,
        instance_id=instance.id,
    )


def _view(ctx: Context, key: NodeKey, hostname: str | None, last_at: datetime | None) -> NodeKeyView:
    machine = key.fingerprint
    return NodeKeyView(
        key_id=key.key_id,
        instance_id=key.instance_id,
        hostname=hostname,
        state=key.state,
        conflict=key.conflict,
        fingerprint=fingerprint(key.public),
        created_at=key.created_at,
        age_seconds=max(0, int((ctx.now - key.created_at).total_seconds())),
        last_contact_at=last_at,
        machine_id=machine.machine_id or None,
        product_uuid=machine.product_uuid or None,
        provider_instance_id=machine.provider_instance_id or None,
    )
