"""Operations on ecs clusters. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toque.client.structures import (
    DescribeEcsClustersResult,
    EcsCluster,
    RegisterEcsClusterResult,
)
from toque.client.calling import OPSWORKS, Calls


class EcsClustersCalls(Calls):
    """Operations on ecs clusters."""

    def deregister_ecs_cluster(
        self,
        *,
        ecs_cluster_arn: str,
    ) -> None:
        """Take a cluster from its stack; the cluster is left alone, and so is the layer that names it.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeregisterEcsCluster", OPSWORKS, {"EcsClusterArn": ecs_cluster_arn}, reads=False)

    def describe_ecs_clusters(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        ecs_cluster_arns: Sequence[str] | None = None,
        stack_id: str | None = None,
    ) -> DescribeEcsClustersResult:
        """Describe the cluster of a stack, or the named ones, in pages of `MaxResults` (1 to 100).

        `NextToken` is good for an hour, and for the request that it was the answer to.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeEcsClusters", OPSWORKS, {"MaxResults": max_results, "NextToken": next_token, "EcsClusterArns": ecs_cluster_arns, "StackId": stack_id}, DescribeEcsClustersResult, reads=True)

    def iterate_ecs_clusters(
        self,
        *,
        max_results: int | None = None,
        ecs_cluster_arns: Sequence[str] | None = None,
        stack_id: str | None = None,
    ) -> Iterator[EcsCluster]:
        """Yield each of the `ecs_clusters` that `describe_ecs_clusters` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeEcsClusters", OPSWORKS, {"MaxResults": max_results, "EcsClusterArns": ecs_cluster_arns, "StackId": stack_id}, DescribeEcsClustersResult, "ecs_clusters")

    def register_ecs_cluster(
        self,
        *,
        ecs_cluster_arn: str,
        stack_id: str,
    ) -> RegisterEcsClusterResult:
        """Register a cluster that exists already with a stack; a layer of type `ecs-cluster` names it by its ARN then.

        A stack has one cluster, and a cluster belongs to one stack at a time. Nothing runs.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("RegisterEcsCluster", OPSWORKS, {"EcsClusterArn": ecs_cluster_arn, "StackId": stack_id}, RegisterEcsClusterResult, reads=False)
