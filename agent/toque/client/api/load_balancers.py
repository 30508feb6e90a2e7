"""Operations on load balancers. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    DescribeElasticLoadBalancersResult,
)
from toque.client.calling import OPSWORKS, Calls


class LoadBalancersCalls(Calls):
    """Operations on load balancers."""

    def attach_elastic_load_balancer(
        self,
        *,
        elastic_load_balancer_name: str,
        layer_id: str,
    ) -> None:
        """Attach a load balancer to a layer: from now on it serves the layer's online instances, and no others.

        A layer has one balancer and a balancer one layer. Every online instance of the stack gets a Configure.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("AttachElasticLoadBalancer", OPSWORKS, {"ElasticLoadBalancerName": elastic_load_balancer_name, "LayerId": layer_id}, reads=False)

    def describe_elastic_load_balancers(
        self,
        *,
        stack_id: str | None = None,
        layer_ids: Sequence[str] | None = None,
    ) -> DescribeElasticLoadBalancersResult:
        """Describe the load balancers of a stack, or of the named layers, with the instances that they serve now.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeElasticLoadBalancers", OPSWORKS, {"StackId": stack_id, "LayerIds": layer_ids}, DescribeElasticLoadBalancersResult, reads=True)

    def detach_elastic_load_balancer(
        self,
        *,
        elastic_load_balancer_name: str,
        layer_id: str,
    ) -> None:
        """Detach a load balancer from its layer; the balancer itself stays. All online instances get a Configure.

        Raises ResourceNotFoundException.
        """
        self._do("DetachElasticLoadBalancer", OPSWORKS, {"ElasticLoadBalancerName": elastic_load_balancer_name, "LayerId": layer_id}, reads=False)
