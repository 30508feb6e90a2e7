"""What there is: agent versions, operating systems; what went wrong: service errors."""

from __future__ import annotations

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World
from tests.server.made import NOW
from toque_server.store import service_errors
from toque_server.store.service_errors import ServiceError

ERROR = "11111111-0000-4000-8000-000000000000"


@case("DescribeAgentVersions")
def describe_agent_versions(w: World) -> Case:
    stack = w.stack()
    return Case(
        minimal={"StackId": stack},
        fuller=[{"ConfigurationManager": {"Name": "Chef", "Version": "12"}}, {}],
        missing=[({"StackId": NOWHERE}, NOWHERE)],
        invalid=[({"ConfigurationManager": {"Name": "Puppet", "Version": "12"}}, "ConfigurationManager")],
    )


@case("DescribeOperatingSystems")
def describe_operating_systems(w: World) -> Case:
    return Case(minimal={})


@case("DescribeServiceErrors")
def describe_service_errors(w: World) -> Case:
    stack = w.stack()
    instance = w.instance(stack, w.layer(stack))
    error = ServiceError(
        id=ERROR, stack_id=stack, instance_id=instance, type="machine", message="it did not start", created_at=NOW
    )
    with w.services.database.write() as conn:
        service_errors.add(conn, error)
    return Case(
        minimal={"StackId": stack},
        fuller=[{"InstanceId": instance}, {"ServiceErrorIds": [ERROR]}],
        invalid=[({}, "Please provide"), ({"StackId": stack, "InstanceId": instance}, "Please provide")],
        missing=[({"StackId": NOWHERE}, NOWHERE), ({"InstanceId": NOWHERE}, NOWHERE)],
    )
