"""Data sources of apps as a request names them: each must lead to a database of the app's own stack (05 § 5)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from toque_server.domain.app import DataSource
from toque_server.domain.arn import arn
from toque_server.domain.data_sources import MYSQL_LAYER, NAMED, REGISTERED
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ValidationException
from toque_server.store import database_instances, instances, layers


def checked(ctx: Context, stack_id: str, sources: Iterable[DataSource]) -> tuple[DataSource, ...]:
    """The sources as they are stored. Raises ValidationException for one that the stack does not have."""
    return tuple(_checked(ctx, stack_id, each) for each in sources)


def _checked(ctx: Context, stack_id: str, source: DataSource) -> DataSource:
    if source.arn is None:
        return source
    if source.type == REGISTERED:
        _check_registered(ctx, stack_id, source.arn)
    if source.type == NAMED:
        return msgspec.structs.replace(source, arn=_of_mysql_layer(ctx, stack_id, source.arn))
    return source


def _check_registered(ctx: Context, stack_id: str, wanted: str) -> None:
    registered = [each.arn for each in database_instances.of_stack(ctx.conn, stack_id)]
    if wanted not in registered:
        raise ValidationException(
            f"DataSources: the database {wanted} is not registered with the stack, which has"
            f" {', '.join(registered) or 'none'}; please send RegisterRdsDbInstance first",
            field="DataSources",
        )


def _of_mysql_layer(ctx: Context, stack_id: str, wanted: str) -> str:
    """The ARN with its final slash."""
    region = finding.stack(ctx, stack_id).region
    layer_ids = {each.id for each in layers.of_stack(ctx.conn, stack_id) if each.type == MYSQL_LAYER}
    there = {
        arn(region, ctx.account_id, "instance", each.id)
        for each in instances.of_stack(ctx.conn, stack_id)
        if layer_ids.intersection(each.layer_ids)
    }
    found = wanted.removesuffix("/") + "/"
    if found not in there:
        raise ValidationException(
            f"DataSources: {wanted} is no instance of the stack's MySQL layer, which has"
            f" {', '.join(sorted(there)) or 'none'}",
            field="DataSources",
        )
    return found
