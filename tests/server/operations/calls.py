"""Short words for tests of operations: call one by name; make the stack, layer and instance that most tests need."""

from __future__ import annotations

from typing import Any

from toque_server.domain.instance import Status, move
from toque_server.domain.permission import Principal
from toque_server.operations import registry
from toque_server.operations.context import Context, Services
from toque_server.operations.identity import principal_of
from toque_server.store import instances, users

ROLE = "arn:aws:iam::123456789012:role/aws-opsworks-service-role"
PROFILE = "arn:aws:iam::123456789012:instance-profile/aws-opsworks-ec2-role"


class Caller:
    """Somebody who calls operations: `owner("CreateStack", Name="a", …)` answers as the wire would."""

    def __init__(self, services: Services, principal: Principal | None = None) -> None:
        registry.load()
        self.services = services
        self.principal = principal or Principal(arn="arn:aws:iam::123456789012:root", name="root", administrator=True)

    def __call__(self, operation: str, /, **members: Any) -> dict[str, Any]:
        return registry.call(operation, Context(caller=self.principal, services=self.services), members)

    def as_user(self, name: str, **rights: Any) -> Caller:
        arn = f"arn:aws:iam::123456789012:user/{name}"
        return Caller(self.services, Principal(arn=arn, name=name, **rights))

    def known(self, name: str) -> Caller:
        """A user that was created, with the rights that he has now."""
        arn = f"arn:aws:iam::123456789012:user/{name}"
        with self.services.database.read() as conn:
            user = users.get(conn, arn)
        assert user is not None
        return Caller(self.services, principal_of(user))

    def stack(self, **members: Any) -> str:
        given = {"Name": "shop", "Region": "local", "ServiceRoleArn": ROLE, "DefaultInstanceProfileArn": PROFILE}
        return str(self("CreateStack", **given | members)["StackId"])

    def layer(self, stack_id: str, shortname: str = "app", **members: Any) -> str:
        given = {"StackId": stack_id, "Type": "custom", "Name": shortname, "Shortname": shortname}
        return str(self("CreateLayer", **given | members)["LayerId"])

    def instance(self, stack_id: str, *layer_ids: str, **members: Any) -> str:
        given = {"StackId": stack_id, "LayerIds": list(layer_ids), "InstanceType": "small"}
        return str(self("CreateInstance", **given | members)["InstanceId"])

    def app(self, stack_id: str, **members: Any) -> str:
        return str(self("CreateApp", **{"StackId": stack_id, "Name": "Guestbook", "Type": "other"} | members)["AppId"])

    def bring(self, instance_id: str, *statuses: Status, machine_id: str | None = "m-1") -> None:
        """Move an instance through these statuses, as the loops would."""
        with self.services.database.write() as conn:
            now = self.services.database.now(conn)
            for status in statuses:
                seen = instances.get(conn, instance_id)
                assert seen is not None
                moved = move(seen, status, at=now)
                assert instances.swap(conn, seen, _with_machine(moved, machine_id))

    def bring_online(self, *instance_ids: str) -> None:
        for id in instance_ids:
            self.bring(
                id,
                Status.REQUESTED,
                Status.PENDING,
                Status.BOOTING,
                Status.RUNNING_SETUP,
                Status.ONLINE,
                machine_id=f"m-{id}",
            )

    def status(self, instance_id: str) -> str:
        return str(self("DescribeInstances", InstanceIds=[instance_id])["Instances"][0]["Status"])


def _with_machine(instance: Any, machine_id: str | None) -> Any:
    import msgspec

    return msgspec.structs.replace(instance, machine_id=machine_id)
