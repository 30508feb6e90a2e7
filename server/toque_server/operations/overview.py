"""Many stacks, or many deployments, in a few numbers each: what lists of them show."""

from __future__ import annotations

from datetime import datetime

from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import deployments, overview, stacks

_RAISES = (ValidationException, ResourceNotFoundException)
_MOST = 500


class DescribeStackOverviews(Request, frozen=True, kw_only=True):
    """Every stack that the caller may see."""


class StackOverview(Result, frozen=True, kw_only=True):
    """`instances` counts by status, zeros left out; `running_deployments` are those that have not ended.

    `strict`: in strict mode, in which the level deploy runs only what others assigned.
    """

    stack_id: str
    name: str
    region: str
    created_at: datetime
    layers: int
    apps: int
    instances: dict[str, int]
    running_deployments: int
    strict: bool


class StackOverviewsDescribed(Result, frozen=True, kw_only=True):
    stacks: list[StackOverview]


class DescribeProgress(Request, frozen=True, kw_only=True):
    """The newest deployments of a stack, or the named ones. `offset` skips as many of the newest."""

    stack_id: str | None = None
    deployment_ids: list[str] | None = None
    limit: int = 20
    offset: int = 0


class ProgressView(Result, frozen=True, kw_only=True):
    """One deployment; `commands` counts its commands by `queued`, `running` and how they ended, zeros left out."""

    deployment_id: str
    stack_id: str
    app_id: str | None
    command: str
    recipes: list[str]
    user_arn: str | None
    comment: str | None
    status: str
    created_at: datetime
    completed_at: datetime | None
    seconds: float
    commands: dict[str, int]


class ProgressDescribed(Result, frozen=True, kw_only=True):
    """`more`: there are older ones."""

    deployments: list[ProgressView]
    more: bool


@operation(permission=Permission.ANY, target=TOQUE)
def describe_stack_overviews(ctx: Context, req: DescribeStackOverviews) -> StackOverviewsDescribed:
    """Describe every stack that the caller may see by its counts: layers, apps, instances by status, deployments."""
    visible = [each.id for each in access.shown(ctx, "DescribeStackOverviews")]
    found = stacks.by_ids(ctx.conn, visible)
    counted = overview.of_stacks(ctx.conn)
    return StackOverviewsDescribed(
        stacks=[
            StackOverview(
                stack_id=stack.id,
                name=stack.name,
                region=stack.region,
                created_at=stack.created_at,
                layers=counted.layers.get(stack.id, 0),
                apps=counted.apps.get(stack.id, 0),
                instances=counted.instances.get(stack.id, {}),
                running_deployments=counted.running_deployments.get(stack.id, 0),
                strict=stack.strict,
            )
            for stack in found.values()
        ]
    )


@operation(
    permission=Permission.SHOW,
    target=TOQUE,
    stack=finding.one_of(stack_id="stack", deployment_ids="deployment"),
    raises=_RAISES,
)
def describe_progress(ctx: Context, req: DescribeProgress) -> ProgressDescribed:
    """Describe how far deployments are: the newest of a stack, newest first, or the named ones."""
    if not 0 < req.limit <= _MOST or req.offset < 0:
        raise ValidationException(f"Limit must be 1 to {_MOST}, and Offset not negative")
    if req.stack_id is not None:
        found = deployments.newest(ctx.conn, req.stack_id, limit=req.limit + 1, offset=req.offset)
    else:
        found = deployments.by_ids(ctx.conn, req.deployment_ids or [])
    more = req.stack_id is not None and len(found) > req.limit
    found = found[: req.limit] if more else found
    counted = overview.commands_of(ctx.conn, [each.id for each in found])
    return ProgressDescribed(
        deployments=[
            ProgressView(
                deployment_id=each.id,
                stack_id=each.stack_id,
                app_id=each.app_id,
                command=each.command_name,
                recipes=each.command_args.get("recipes", []),
                user_arn=each.user_arn,
                comment=each.comment,
                status=each.status.value,
                created_at=each.created_at,
                completed_at=each.completed_at,
                seconds=round(((each.completed_at or ctx.now) - each.created_at).total_seconds(), 1),
                commands=counted.get(each.id, {}),
            )
            for each in found
        ],
        more=more,
    )
