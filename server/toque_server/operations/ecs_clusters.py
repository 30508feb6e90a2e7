"""ECS clusters of stacks: registered, deregistered and described (08 § 6, 02 § 14).

Only records: the cluster is made and kept elsewhere, and what its nodes run is a matter of their recipes.
"""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from toque_server.domain.ecs_cluster import EcsCluster, cluster_name
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import ecs_clusters, events

_RAISES = (ValidationException, ResourceNotFoundException)


class RegisterEcsCluster(Request, frozen=True, kw_only=True):
    ecs_cluster_arn: str
    stack_id: str


class EcsClusterRegistered(Result, frozen=True, kw_only=True):
    ecs_cluster_arn: str


class DeregisterEcsCluster(Request, frozen=True, kw_only=True):
    ecs_cluster_arn: str


class DescribeEcsClusters(Paged, frozen=True, kw_only=True):
    ecs_cluster_arns: list[str] | None = None
    stack_id: str | None = None


class EcsClusterView(Result, frozen=True, kw_only=True):
    ecs_cluster_arn: str
    ecs_cluster_name: str
    stack_id: str
    registered_at: str


class EcsClustersDescribed(Result, frozen=True, kw_only=True):
    ecs_clusters: list[EcsClusterView]
    next_token: str | None


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def register_ecs_cluster(ctx: Context, req: RegisterEcsCluster) -> EcsClusterRegistered:
    """Register a cluster that exists already with a stack; a layer of type `ecs-cluster` names it by its ARN then.

    A stack has one cluster, and a cluster belongs to one stack at a time. Nothing runs.
    """
    stack = finding.stack(ctx, req.stack_id)
    cluster = EcsCluster(arn=req.ecs_cluster_arn, stack_id=stack.id, registered_at=ctx.now)
    name = cluster_name(cluster.arn)
    if stack.is_windows:
        raise ValidationException(f"stack {stack.name} is a Windows stack: clusters need Linux", field="StackId")
    _check_free(ctx, cluster)
    try:
        with ctx.conn.begin_nested():
            ecs_clusters.add(ctx.conn, cluster)
    except IntegrityError:
        # Somebody else was faster; what he registered is there to be seen now.
        _check_free(ctx, cluster)
        raise
    events.add(ctx.conn, "cluster.registered", f"cluster {name} was registered", at=ctx.now, stack_id=stack.id)
    return EcsClusterRegistered(ecs_cluster_arn=cluster.arn)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("ECS cluster", "ecs_cluster_arn"), raises=_RAISES)
def deregister_ecs_cluster(ctx: Context, req: DeregisterEcsCluster) -> None:
    """Take a cluster from its stack; the cluster is left alone, and so is the layer that names it."""
    cluster = finding.ecs_cluster(ctx, req.ecs_cluster_arn)
    ecs_clusters.remove(ctx.conn, cluster)
    message = f"cluster {cluster.name} was deregistered"
    events.add(ctx.conn, "cluster.deregistered", message, at=ctx.now, stack_id=cluster.stack_id)


@operation(
    permission=Permission.SHOW,
    stack=finding.one_of(ecs_cluster_arns="ECS cluster", stack_id="stack"),
    raises=_RAISES,
)
def describe_ecs_clusters(ctx: Context, req: DescribeEcsClusters) -> EcsClustersDescribed:
    """Describe the cluster of a stack, or the named ones, in pages of `MaxResults` (1 to 100).

    `NextToken` is good for an hour, and for the request that it was the answer to.
    """
    if req.stack_id is not None:
        only = ecs_clusters.of_stack(ctx.conn, req.stack_id)
        found = [] if only is None else [only]
    else:
        found = list(ecs_clusters.by_arns(ctx.conn, req.ecs_cluster_arns or []).values())
    shown, token = page(ctx, req, found, key=lambda each: each.arn)
    return EcsClustersDescribed(
        ecs_clusters=[
            EcsClusterView(
                ecs_cluster_arn=each.arn,
                ecs_cluster_name=each.name,
                stack_id=each.stack_id,
                registered_at=each.registered_at.isoformat(timespec="seconds"),
            )
            for each in shown
        ],
        next_token=token,
    )


def _check_free(ctx: Context, wanted: EcsCluster) -> None:
    if (there := ecs_clusters.of_stack(ctx.conn, wanted.stack_id)) is not None:
        raise ValidationException(
            f"the stack has the cluster {there.name} already, and a stack has one: please deregister that first"
            if there.arn != wanted.arn
            else f"cluster {wanted.name} is registered with this stack already",
            field="StackId",
        )
    if ecs_clusters.get(ctx.conn, wanted.arn) is not None:
        raise ValidationException(
            f"cluster {wanted.name} is registered with another stack, and a cluster belongs to one: please deregister"
            " it there first",
            field="EcsClusterArn",
        )
