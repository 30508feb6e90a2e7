"""Load balancers on layers."""

from __future__ import annotations

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World


@case("AttachElasticLoadBalancer")
def attach(w: World) -> Case:
    stack = w.stack()
    layer, other = w.layer(stack), w.layer(stack, "other")
    w("AttachElasticLoadBalancer", ElasticLoadBalancerName="taken", LayerId=other)
    return Case(
        minimal={"ElasticLoadBalancerName": "front", "LayerId": layer},
        invalid=[
            ({"ElasticLoadBalancerName": "second", "LayerId": other}, "taken"),
            ({"ElasticLoadBalancerName": "taken", "LayerId": w.layer(stack, "third")}, "taken"),
        ],
        missing=[({"ElasticLoadBalancerName": "front", "LayerId": NOWHERE}, NOWHERE)],
    )


@case("DetachElasticLoadBalancer")
def detach(w: World) -> Case:
    layer = w.layer(w.stack())
    w("AttachElasticLoadBalancer", ElasticLoadBalancerName="front", LayerId=layer)
    return Case(
        minimal={"ElasticLoadBalancerName": "front", "LayerId": layer},
        missing=[
            ({"ElasticLoadBalancerName": "front", "LayerId": NOWHERE}, NOWHERE),
            ({"ElasticLoadBalancerName": "other", "LayerId": layer}, "other"),
        ],
    )


@case("DescribeElasticLoadBalancers")
def describe(w: World) -> Case:
    stack = w.stack(Region="us-east-1", VpcId="vpc-0a1b2c3d", DefaultSubnetId="subnet-0a1b2c3d")
    layer = w.layer(stack)
    instance = w.instance(stack, layer)
    w.inside.bring_online(instance)
    w("AttachElasticLoadBalancer", ElasticLoadBalancerName="front", LayerId=layer)
    return Case(
        minimal={"StackId": stack},
        fuller=[{"LayerIds": [layer]}],
        invalid=[({"StackId": stack, "LayerIds": [layer]}, "Please provide")],
        missing=[({"StackId": NOWHERE}, NOWHERE), ({"LayerIds": [NOWHERE]}, NOWHERE)],
        absent={"ElasticLoadBalancers.DnsName": "the balancer itself says it, once a provider asks it"},
    )
