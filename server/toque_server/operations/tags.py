"""Tags: labels on stacks and layers, inherited by layers and instances (chapter 08 § 11)."""

from __future__ import annotations

from typing import Protocol

import msgspec

from toque_server.domain import arn
from toque_server.domain.layer import Layer
from toque_server.domain.stack import Stack
from toque_server.domain.tags import check_number, cleaned, effective, without
from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import layers, stacks

_RAISES = (ValidationException, ResourceNotFoundException)


class TagResource(Request, frozen=True, kw_only=True):
    resource_arn: str
    tags: dict[str, str]


class UntagResource(Request, frozen=True, kw_only=True):
    resource_arn: str
    tag_keys: list[str]


class ListTags(Request, frozen=True, kw_only=True):
    """`max_results` and `next_token` are refused, as OpsWorks did: the answer is always whole."""

    resource_arn: str
    max_results: int | None = None
    next_token: str | None = None


class TagsListed(Result, frozen=True, kw_only=True):
    tags: dict[str, str]
    next_token: str | None = None


class _NamesResource(Protocol):
    @property
    def resource_arn(self) -> str: ...


def _home(ctx: Context, req: _NamesResource) -> list[str]:
    """The stack of the ARN's stack or layer. An ARN of another region or account names nothing of ours."""
    named = arn.parse(req.resource_arn, "stack", "layer", member="ResourceArn")
    stack_id = named.id
    if named.kind == "layer":
        layer = layers.get(ctx.conn, named.id)
        stack_id = "" if layer is None else layer.stack_id
    stack = stacks.get(ctx.conn, stack_id)
    if stack is None or (named.region, named.account) != (stack.region, ctx.account_id):
        raise access.not_found(ctx, type(req).__name__, f"Unable to find {named.kind} with ARN {req.resource_arn}")
    return [stack.id]


def _tagged(ctx: Context, req: _NamesResource, *, changes: bool = True) -> tuple[Stack, Layer | None]:
    """The stack, and the layer if the ARN is one's; what is to be changed is locked."""
    named = arn.parse(req.resource_arn, "stack", "layer", member="ResourceArn")
    if changes:
        (stacks if named.kind == "stack" else layers).lock(ctx.conn, named.id)
    if named.kind == "stack":
        return finding.stack(ctx, named.id), None
    layer = finding.layer(ctx, named.id)
    return finding.stack(ctx, layer.stack_id), layer


@operation(permission=Permission.MANAGE, stack=_home, raises=_RAISES)
def tag_resource(ctx: Context, req: TagResource) -> None:
    """Set tags of a stack or a layer; others that it has stay.

    A stack's tags hold for its layers and instances; a layer's own value goes before the stack's. Recipes read them as
    `node["tags"]`, from the next command on. A resource has at most 40 tags, inherited ones included.
    """
    stack, layer = _tagged(ctx, req)
    sent = cleaned(req.tags)
    if layer is not None:
        own = layer.tags | sent
        check_number(effective(stack.tags, own), of=f"layer {layer.name}")
        _set_layer(ctx, layer, own)
        return
    tags = stack.tags | sent
    check_number(tags, of=f"stack {stack.name}")
    for each in layers.of_stack(ctx.conn, stack.id):
        check_number(effective(tags, each.tags), of=f"layer {each.name}, which inherits them,")
    stacks.update(ctx.conn, msgspec.structs.replace(stack, tags=tags))


@operation(permission=Permission.MANAGE, stack=_home, raises=_RAISES)
def untag_resource(ctx: Context, req: UntagResource) -> None:
    """Remove tags by key; a key that is not there is no error.

    A layer that gave an inherited key another value shows the stack's again. What is only inherited is removed at the
    stack.
    """
    stack, layer = _tagged(ctx, req)
    if layer is not None:
        _set_layer(ctx, layer, without(layer.tags, req.tag_keys, inherited=stack.tags))
        return
    left = without(stack.tags, req.tag_keys, inherited={})
    stacks.update(ctx.conn, msgspec.structs.replace(stack, tags=left))


@operation(permission=Permission.SHOW, stack=_home, raises=_RAISES)
def list_tags(ctx: Context, req: ListTags) -> TagsListed:
    """List the tags of a stack or a layer; a layer's include those that it inherits."""
    for member, value in (("MaxResults", req.max_results), ("NextToken", req.next_token)):
        if value is not None:
            raise ValidationException(f"{member} is not taken: all tags come in one answer", field=member)
    stack, layer = _tagged(ctx, req, changes=False)
    tags = stack.tags if layer is None else effective(stack.tags, layer.tags)
    return TagsListed(tags=dict(sorted(tags.items())))


def _set_layer(ctx: Context, layer: Layer, tags: dict[str, str]) -> None:
    secrets = layers.secrets(ctx.conn, ctx.vault, [layer.id])[layer.id]
    layers.update(ctx.conn, ctx.vault, msgspec.structs.replace(layer, tags=tags), secrets)
