"""Elastic IPs."""

from __future__ import annotations

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World

IP, OTHER, UNKNOWN = "198.51.100.7", "198.51.100.8", "198.51.100.99"


def _registered(w: World, ip: str = IP) -> tuple[str, str]:
    """A stack with an instance, and a registered address; ids of both."""
    stack = w.stack()
    instance = w.instance(stack, w.layer(stack))
    w("RegisterElasticIp", ElasticIp=ip, StackId=stack)
    return stack, instance


@case("RegisterElasticIp")
def register(w: World) -> Case:
    _registered(w, OTHER)
    stack = w.stack(Name="second")
    return Case(
        minimal={"ElasticIp": IP, "StackId": stack},
        invalid=[({"ElasticIp": "300.1.2.3", "StackId": stack}, "300.1.2.3"), ({"ElasticIp": OTHER, "StackId": stack}, OTHER)],
        missing=[({"ElasticIp": UNKNOWN, "StackId": NOWHERE}, NOWHERE)],
    )  # fmt: skip


@case("AssociateElasticIp")
def associate(w: World) -> Case:
    _, instance = _registered(w)
    foreign = w.stack(Name="foreign")
    elsewhere = w.instance(foreign, w.layer(foreign))
    return Case(
        minimal={"ElasticIp": IP, "InstanceId": instance},
        invalid=[({"ElasticIp": IP}, "InstanceId"), ({"ElasticIp": IP, "InstanceId": elsewhere}, "stack")],
        missing=[({"ElasticIp": UNKNOWN, "InstanceId": instance}, UNKNOWN), ({"ElasticIp": IP, "InstanceId": NOWHERE}, NOWHERE)],
    )  # fmt: skip


@case("DisassociateElasticIp")
def disassociate(w: World) -> Case:
    _, instance = _registered(w)
    w("AssociateElasticIp", ElasticIp=IP, InstanceId=instance)
    return Case(
        minimal={"ElasticIp": IP},
        missing=[({"ElasticIp": UNKNOWN}, UNKNOWN)],
    )


@case("UpdateElasticIp")
def update(w: World) -> Case:
    _registered(w)
    return Case(
        minimal={"ElasticIp": IP},
        fuller=[{"ElasticIp": IP, "Name": "front"}],
        invalid=[({"ElasticIp": IP, "Name": "x" * 33}, "Name")],
        missing=[({"ElasticIp": UNKNOWN}, UNKNOWN)],
    )


@case("DeregisterElasticIp")
def deregister(w: World) -> Case:
    _registered(w)
    return Case(
        minimal={"ElasticIp": IP},
        missing=[({"ElasticIp": UNKNOWN}, UNKNOWN)],
    )


@case("DescribeElasticIps")
def describe(w: World) -> Case:
    stack, instance = _registered(w)
    w("AssociateElasticIp", ElasticIp=IP, InstanceId=instance)
    w("UpdateElasticIp", ElasticIp=IP, Name="front")
    return Case(
        minimal={"StackId": stack},
        fuller=[{"InstanceId": instance}, {"Ips": [IP]}],
        invalid=[({}, "Please provide"), ({"StackId": stack, "InstanceId": instance}, "Please provide")],
        missing=[({"StackId": NOWHERE}, NOWHERE), ({"InstanceId": NOWHERE}, NOWHERE), ({"Ips": [UNKNOWN]}, UNKNOWN)],
    )
