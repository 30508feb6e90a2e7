"""Many stacks, or many deployments, in a few numbers each: what lists of them show."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import ClassVar

from toque_server.domain.command import Deployment
from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, cut, page
from toque_server.operations.registry import TOQUE, Permission, Result, operation
from toque_server.store import deployments, overview, stacks

_RAISES = (ValidationException, ResourceNotFoundException)


class DescribeStackOverviews(Paged, frozen=True, kw_only=True):
    """Every stack that the caller may see, at most 1,000 on a page."""

    largest: ClassVar[int] = 1000


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
    next_token: str | None


class DescribeProgress(Paged, frozen=True, kw_only=True):
    """The newest deployments of a stack, 20 on a page or as many as `MaxResults` says, at most 500.

    Or the named ones.
    """

    largest: ClassVar[int] = 500
    usual: ClassVar[int | None] = 20

    stack_id: str | None = None
    deployment_ids: list[str] | None = None


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
    """`next_token`: there are older ones."""

    deployments: list[ProgressView]
    next_token: str | None


@operation(permission=Permission.ANY, target=TOQUE, raises=(ValidationException,))
def describe_stack_overviews(ctx: Context, req: DescribeStackOverviews) -> StackOverviewsDescribed:
    """Describe every stack that the caller may see by its counts: layers, apps, instances by status, deployments."""
    visible, token = page(ctx, req, access.shown(ctx, "DescribeStackOverviews"), key=lambda each: each.id)
    found = stacks.by_ids(ctx.conn, [each.id for each in visible])
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
        ],
        next_token=token,
    )


@operation(
    permission=Permission.SHOW,
    target=TOQUE,
    stack=finding.one_of(stack_id="stack", deployment_ids="deployment"),
    raises=_RAISES,
)
def describe_progress(ctx: Context, req: DescribeProgress) -> ProgressDescribed:
    """Describe how far deployments are: the newest of a stack, newest first, or the named ones."""
    if req.stack_id is not None:
        found, token = cut(ctx, req, partial(_older, ctx, req.stack_id), key=_place)
    else:
        found, token = deployments.by_ids(ctx.conn, req.deployment_ids or []), None
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
        next_token=token,
    )


def _older(ctx: Context, stack_id: str, than: str | None, most: int) -> list[Deployment]:
    if than is None:
        return deployments.newest(ctx.conn, stack_id, limit=most)
    at, _, id = than.partition(" ")
    return deployments.newest(ctx.conn, stack_id, limit=most, behind=(datetime.fromisoformat(at), id))


def _place(deployment: Deployment) -> str:
    """Where a deployment stands among those of its stack: by time, then by id."""
    return f"{deployment.created_at.isoformat()} {deployment.id}"
