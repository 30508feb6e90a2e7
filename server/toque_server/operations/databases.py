"""Database instances of stacks: registered, updated, deregistered and described (08 § 4, 02 § 13)."""

from __future__ import annotations

import msgspec
from sqlalchemy.exc import IntegrityError

from toque_server.domain.app import uses_database
from toque_server.domain.database_instance import (
    DatabaseInstance,
    DatabaseSecrets,
    check_credentials,
    region_and_identifier,
)
from toque_server.domain.source import FILTERED
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import apps, database_directory, database_instances, events

_RAISES = (ValidationException, ResourceNotFoundException)


class RegisterRdsDbInstance(Request, frozen=True, kw_only=True):
    stack_id: str
    rds_db_instance_arn: str
    db_user: str
    db_password: str


class UpdateRdsDbInstance(Request, frozen=True, kw_only=True):
    rds_db_instance_arn: str
    db_user: str | None = None
    db_password: str | None = None


class DeregisterRdsDbInstance(Request, frozen=True, kw_only=True):
    rds_db_instance_arn: str


class DescribeRdsDbInstances(Request, frozen=True, kw_only=True):
    stack_id: str
    rds_db_instance_arns: list[str] | None = None


class RdsDbInstanceView(Result, frozen=True, kw_only=True):
    """One database instance as OpsWorks showed it: the password filtered."""

    rds_db_instance_arn: str
    db_instance_identifier: str
    db_user: str
    db_password: str = FILTERED
    region: str
    address: str | None
    engine: str | None
    stack_id: str
    missing_on_rds: bool


class RdsDbInstancesDescribed(Result, frozen=True, kw_only=True):
    rds_db_instances: list[RdsDbInstanceView]


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def register_rds_db_instance(ctx: Context, req: RegisterRdsDbInstance) -> None:
    """Register a database that exists already with a stack; apps of the stack can name it as their data source.

    A database belongs to one stack at a time. Where it is, the directory says (PutDatabase), which is asked this once:
    an ARN that it does not know is registered with `MissingOnRds` true, and no address; enter it there, deregister it
    and register it again. User and password are not tried. Nothing runs.
    """
    stack = finding.stack(ctx, req.stack_id)
    region_and_identifier(req.rds_db_instance_arn)
    check_credentials(req.db_user, req.db_password)
    entry = database_directory.get(ctx.conn, req.rds_db_instance_arn)
    record = DatabaseInstance(
        arn=req.rds_db_instance_arn,
        stack_id=stack.id,
        registered_at=ctx.now,
        user=req.db_user,
        address=None if entry is None else entry.address,
        port=None if entry is None else entry.port,
        engine=None if entry is None else entry.engine,
    )
    _check_free(ctx, record)
    try:
        with ctx.conn.begin_nested():
            database_instances.add(ctx.conn, ctx.vault, record, DatabaseSecrets(req.db_password))
    except IntegrityError:
        # Somebody else was faster; what he registered is there to be seen now.
        _check_free(ctx, record)
        raise
    missing = ", which the directory of databases does not know" if record.missing else ""
    message = f"database {record.identifier} was registered{missing}"
    events.add(ctx.conn, "database.registered", message, at=ctx.now, stack_id=stack.id)


@operation(
    permission=Permission.MANAGE, stack=finding.stack_of("database instance", "rds_db_instance_arn"), raises=_RAISES
)
def update_rds_db_instance(ctx: Context, req: UpdateRdsDbInstance) -> None:
    """Change the user or the password that a stack's nodes use for a database.

    Nothing runs: the apps that use it keep what they have until they are deployed again (05 § 5.3).
    """
    old = finding.database_instance(ctx, req.rds_db_instance_arn)
    password = database_instances.secrets(ctx.conn, ctx.vault, [old.arn])[old.arn].password
    if req.db_password not in (None, FILTERED):
        password = req.db_password
    new = msgspec.structs.replace(old, user=req.db_user or old.user)
    check_credentials(new.user, password)
    database_instances.update(ctx.conn, ctx.vault, new, DatabaseSecrets(password))
    users = ", ".join(_users(ctx, old))
    message = f"database {new.identifier} has another user or password" + (users and f"; please redeploy {users}")
    events.add(ctx.conn, "database.updated", message, at=ctx.now, stack_id=new.stack_id)


@operation(
    permission=Permission.MANAGE, stack=finding.stack_of("database instance", "rds_db_instance_arn"), raises=_RAISES
)
def deregister_rds_db_instance(ctx: Context, req: DeregisterRdsDbInstance) -> None:
    """Take a database from its stack; the database itself is left alone. No app may have it as its data source."""
    record = finding.database_instance(ctx, req.rds_db_instance_arn)
    if users := _users(ctx, record):
        raise ValidationException(
            f"database {record.identifier} is the data source of {', '.join(users)}: please give them another one, or"
            " None, with UpdateApp"
        )
    database_instances.remove(ctx.conn, record)
    message = f"database {record.identifier} was deregistered"
    events.add(ctx.conn, "database.deregistered", message, at=ctx.now, stack_id=record.stack_id)


@operation(permission=Permission.SHOW, stack="stack_id", raises=_RAISES)
def describe_rds_db_instances(ctx: Context, req: DescribeRdsDbInstances) -> RdsDbInstancesDescribed:
    """Describe the databases of a stack, all or the named ones. Passwords come back as `*****FILTERED*****`."""
    found = database_instances.of_stack(ctx.conn, req.stack_id)
    if req.rds_db_instance_arns:
        ours = {each.arn: each for each in found}
        for arn in req.rds_db_instance_arns:
            if arn not in ours:
                raise ResourceNotFoundException(
                    f"Unable to find database instance with ID {arn} in stack {req.stack_id}"
                )
        found = [ours[arn] for arn in dict.fromkeys(req.rds_db_instance_arns)]
    return RdsDbInstancesDescribed(
        rds_db_instances=[
            RdsDbInstanceView(
                rds_db_instance_arn=each.arn,
                db_instance_identifier=each.identifier,
                db_user=each.user,
                region=each.region,
                address=each.address,
                engine=each.engine,
                stack_id=each.stack_id,
                missing_on_rds=each.missing,
            )
            for each in found
        ]
    )


def _check_free(ctx: Context, wanted: DatabaseInstance) -> None:
    there = database_instances.get(ctx.conn, wanted.arn)
    if there is not None and there.stack_id == wanted.stack_id:
        raise ValidationException(
            f"database {wanted.identifier} is registered with this stack already: UpdateRdsDbInstance changes its user"
            " and password",
            field="RdsDbInstanceArn",
        )
    if there is not None:
        raise ValidationException(
            f"database {wanted.identifier} is registered with another stack, and a database belongs to one: please"
            " deregister it there first",
            field="RdsDbInstanceArn",
        )


def _users(ctx: Context, record: DatabaseInstance) -> list[str]:
    """The names of the apps whose data source it is."""
    return [each.name for each in apps.of_stacks(ctx.conn, [record.stack_id]) if uses_database(each, record.arn)]
