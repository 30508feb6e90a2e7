"""The directory of databases: where each is, by its ARN, for lack of a cloud that could be asked (08 § 4)."""

from __future__ import annotations

from datetime import datetime

from toque_server.domain.database_instance import DirectoryEntry, check_entry, region_and_identifier
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import database_directory, database_instances

_RAISES = (ValidationException, ResourceNotFoundException)


class PutDatabase(Request, frozen=True, kw_only=True):
    """`address` is a host name or an IP address; `engine` a word such as `mysql` or `postgres`."""

    rds_db_instance_arn: str
    address: str
    port: int
    engine: str


class DeleteDatabase(Request, frozen=True, kw_only=True):
    rds_db_instance_arn: str


class DescribeDatabases(Paged, frozen=True, kw_only=True):
    """Without ARNs: all of them."""

    rds_db_instance_arns: list[str] | None = None


class DatabaseView(Result, frozen=True, kw_only=True):
    """One entry; `stack_id` is the stack that has this database registered, if one has."""

    rds_db_instance_arn: str
    db_instance_identifier: str
    address: str
    port: int
    engine: str
    stack_id: str | None
    updated_at: datetime
    updated_by: str


class DatabasesDescribed(Result, frozen=True, kw_only=True):
    databases: list[DatabaseView]
    next_token: str | None


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=(ValidationException,))
def put_database(ctx: Context, req: PutDatabase) -> None:
    """Say where a database is, so that stacks can register it by its ARN; what stood there before is replaced.

    A stack that has it registered keeps what it found then: deregister it there, and register it again.
    """
    entry = DirectoryEntry(
        arn=req.rds_db_instance_arn,
        address=req.address,
        port=req.port,
        engine=req.engine,
        updated_at=ctx.now,
        updated_by=ctx.caller.arn,
    )
    check_entry(entry)
    database_directory.put(ctx.conn, entry)


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=_RAISES)
def delete_database(ctx: Context, req: DeleteDatabase) -> None:
    """Take a database from the directory. A stack that has it registered keeps it, and what it knows of it."""
    if not database_directory.remove(ctx.conn, req.rds_db_instance_arn):
        raise _unknown(req.rds_db_instance_arn)


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=_RAISES)
def describe_databases(ctx: Context, req: DescribeDatabases) -> DatabasesDescribed:
    """List the directory of databases, whole or the named ones, in the order of their ARNs."""
    found = database_directory.every(ctx.conn)
    if req.rds_db_instance_arns:
        known = {each.arn: each for each in found}
        for arn in req.rds_db_instance_arns:
            if arn not in known:
                raise _unknown(arn)
        found = [known[arn] for arn in dict.fromkeys(req.rds_db_instance_arns)]
    shown, token = page(ctx, req, found, key=lambda each: each.arn)
    registered = database_instances.by_arns(ctx.conn, [each.arn for each in shown])
    return DatabasesDescribed(
        databases=[
            DatabaseView(
                rds_db_instance_arn=each.arn,
                db_instance_identifier=region_and_identifier(each.arn)[1],
                address=each.address,
                port=each.port,
                engine=each.engine,
                stack_id=registered[each.arn].stack_id if each.arn in registered else None,
                updated_at=each.updated_at,
                updated_by=each.updated_by,
            )
            for each in shown
        ],
        next_token=token,
    )


def _unknown(arn: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"Unable to find {arn} in the directory of databases")
