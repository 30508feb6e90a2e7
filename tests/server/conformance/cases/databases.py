"""RDS instances that stacks registered."""

from __future__ import annotations

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World

LOGIN = {"DbUser": "ann", "DbPassword": "word"}


def arn(name: str) -> str:
    return f"arn:aws:rds:us-east-1:123456789012:db:{name}"


def registered(w: World, stack: str, name: str = "guests") -> str:
    """Register a database that the directory knows; its ARN."""
    w.inside("PutDatabase", RdsDbInstanceArn=arn(name), Address="db.example.org", Port=5432, Engine="postgres")
    w("RegisterRdsDbInstance", StackId=stack, RdsDbInstanceArn=arn(name), **LOGIN)
    return arn(name)


@case("RegisterRdsDbInstance")
def register(w: World) -> Case:
    stack, other = w.stack(), w.stack(Name="other")
    least = {"StackId": stack, "RdsDbInstanceArn": arn("new"), **LOGIN}
    return Case(
        minimal=least,
        invalid=[
            ({**least, "RdsDbInstanceArn": registered(w, other)}, "stack"),
            ({**least, "RdsDbInstanceArn": "guests"}, "guests"),
        ],
        missing=[({**least, "StackId": NOWHERE}, NOWHERE)],
    )


@case("UpdateRdsDbInstance")
def update(w: World) -> Case:
    least = {"RdsDbInstanceArn": registered(w, w.stack())}
    return Case(
        minimal=least,
        fuller=[{**least, "DbUser": "eve", "DbPassword": "another"}],
        missing=[({"RdsDbInstanceArn": arn("nowhere")}, "nowhere")],
    )


@case("DeregisterRdsDbInstance")
def deregister(w: World) -> Case:
    stack = w.stack()
    used = registered(w, stack, "used")
    w.app(stack, Name="Guestbook", DataSources=[{"Type": "RdsDbInstance", "Arn": used, "DatabaseName": "guests"}])
    return Case(
        minimal={"RdsDbInstanceArn": registered(w, stack)},
        invalid=[({"RdsDbInstanceArn": used}, "Guestbook")],
        missing=[({"RdsDbInstanceArn": arn("nowhere")}, "nowhere")],
    )


@case("DescribeRdsDbInstances")
def describe(w: World) -> Case:
    stack = w.stack()
    return Case(
        minimal={"StackId": stack},
        fuller=[{"StackId": stack, "RdsDbInstanceArns": [registered(w, stack)]}],
        missing=[
            ({"StackId": NOWHERE}, NOWHERE),
            ({"StackId": stack, "RdsDbInstanceArns": [arn("nowhere")]}, "nowhere"),
        ],
    )
