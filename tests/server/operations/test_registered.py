"""Machines that exist already: registered, assigned, unassigned, deregistered (chapter 03 §§ 5.2 and 12, 08 § 10)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.server.operations.calls import Caller
from toque.protocol.keys import new_signing_key
from toque.protocol.messages import Fingerprint
from toque.protocol.registration import fingerprints, public_pem, read_public
from toque_server.domain.command import CommandStatus
from toque_server.domain.instance import Status
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.store import commands, instances, nodes, tables
from toque_server.store.nodes import NodeKey

IDENTITY = {
    "instanceId": "i-0123456789abcdef0",
    "region": "local",
    "instanceType": "t3.small",
    "availabilityZone": "local-a",
    "imageId": "ami-1",
    "architecture": "x86_64",
    "privateIp": "10.0.0.9",
    "accountId": "123456789012",
}


def rsa_pem(bits: int = 2048) -> str:
    key = rsa.generate_private_key(65537, bits).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def shown(root: Caller, instance_id: str) -> dict[str, Any]:
    return dict(root("DescribeInstances", InstanceIds=[instance_id])["Instances"][0])


def types_of(root: Caller, instance_id: str) -> list[str]:
    return [each["Type"] for each in root("DescribeCommands", InstanceId=instance_id)["Commands"]]


# -- RegisterInstance --------------------------------------------------------------------------------------------------


def test_03_35_a_registered_machine_is_registering_in_no_layer_with_its_setup_sent(root: Caller) -> None:
    stack = root.stack()

    id = root(
        "RegisterInstance",
        StackId=stack,
        Hostname="Iron1",
        PrivateIp="10.0.0.7",
        PublicIp="192.0.2.7",
        RsaPublicKey=public_pem(new_signing_key()),
    )["InstanceId"]

    view = shown(root, id)
    assert (view["Status"], view["Hostname"], view.get("LayerIds", [])) == ("registering", "iron1", [])
    assert (view["InfrastructureClass"], view["RegisteredBy"]) == ("on-premises", root.principal.arn)
    assert (view["PrivateIp"], view["PublicIp"]) == ("10.0.0.7", "192.0.2.7")
    assert types_of(root, id) == ["setup"]


def test_a_registration_needs_nothing_but_a_stack(root: Caller) -> None:
    stack = root.stack()

    bare, again = (root("RegisterInstance", StackId=stack)["InstanceId"] for _ in range(2))
    addressed = root("RegisterInstance", StackId=stack, PrivateIp="10.0.0.7")["InstanceId"]

    assert [shown(root, id)["Hostname"] for id in (bare, again, addressed)] == ["node", "node-2", "ip-10-0-0-7"]


def test_08_28_a_host_name_that_is_taken_is_refused_with_what_to_do(root: Caller) -> None:
    stack = root.stack()
    root("RegisterInstance", StackId=stack, Hostname="iron1")

    with pytest.raises(ValidationException, match="Hostname iron1 is taken .* deregister that instance first") as taken:
        root("RegisterInstance", StackId=stack, Hostname="IRON1")

    assert taken.value.field == "Hostname"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Hostname": "-iron"}, "Hostname '-iron' is not allowed"),
        ({"Hostname": "a" * 64}, "1 to 63 letters, digits and dashes"),
        ({"PrivateIp": "10.0.0.777"}, "PrivateIp '10.0.0.777' is no IP address"),
        ({"PublicIp": "iron.example"}, "PublicIp 'iron.example' is no IP address"),
        ({"RsaPublicKey": "ssh-rsa AAAA"}, "RsaPublicKey: this is no public key in PEM"),
        ({"RsaPublicKeyFingerprint": "aa:bb"}, "RsaPublicKeyFingerprint came without RsaPublicKey"),
        ({"InstanceIdentity": {"Document": "none"}}, "InstanceIdentity.Document is not the identity document"),
        ({"InstanceIdentity": {"Document": '{"instanceId":"x"}'}}, "has the instanceId 'x', which is none"),
        (
            {"InstanceIdentity": {"Document": json.dumps(IDENTITY | {"region": "eu-west-1"})}},
            "the machine is in eu-west-1, and the stack is in local: please choose a stack of its region",
        ),
    ],
    ids=["dash", "long", "private-ip", "public-ip", "ssh-key", "lone-fingerprint", "no-json", "no-id", "region"],
)
def test_a_wrong_member_is_named_with_its_value(root: Caller, members: dict[str, Any], message: str) -> None:
    stack = root.stack()

    with pytest.raises(ValidationException, match=message):
        root("RegisterInstance", StackId=stack, **members)

    assert root("DescribeInstances", StackId=stack)["Instances"] == []


@pytest.mark.parametrize("digest", ["md5", "sha1", "sha256"])
def test_the_fingerprint_is_the_keys_own_in_any_usual_spelling(root: Caller, digest: str) -> None:
    stack, pem = root.stack(), rsa_pem()
    own = fingerprints(read_public(pem))[digest]
    colons = ":".join(own[at : at + 2] for at in range(0, len(own), 2)).upper()

    root("RegisterInstance", StackId=stack, RsaPublicKey=pem, RsaPublicKeyFingerprint=colons)

    with pytest.raises(ValidationException, match=f"is not that of RsaPublicKey, which has.*{own}"):
        root("RegisterInstance", StackId=stack, RsaPublicKey=pem, RsaPublicKeyFingerprint=own[::-1])


def test_keys_that_are_too_short_or_of_another_kind_are_refused(root: Caller) -> None:
    stack = root.stack()
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    other = curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    with pytest.raises(ValidationException, match="must have 2048, 3072, 4096 bits, this has 1024"):
        root("RegisterInstance", StackId=stack, RsaPublicKey=rsa_pem(1024))
    with pytest.raises(ValidationException, match="an Ed25519 or an RSA key"):
        root("RegisterInstance", StackId=stack, RsaPublicKey=other)


def test_a_call_whose_answer_was_lost_answers_the_same_instance_again(root_on_either: Caller) -> None:
    root = root_on_either
    stack, pem = root.stack(), public_pem(new_signing_key())

    first = root("RegisterInstance", StackId=stack, Hostname="iron1", RsaPublicKey=pem)
    second = root("RegisterInstance", StackId=stack, Hostname="iron1", RsaPublicKey=pem)

    assert first == second
    assert len(root("DescribeInstances", StackId=stack)["Instances"]) == 1


def test_an_identity_document_makes_it_a_cloud_machine(root: Caller) -> None:
    stack = root.stack()

    id = root(
        "RegisterInstance",
        StackId=stack,
        InstanceIdentity={"Document": json.dumps(IDENTITY), "Signature": "c2lnbmVk"},
    )["InstanceId"]

    view = shown(root, id)
    assert (view["InfrastructureClass"], view["Ec2InstanceId"]) == ("ec2", IDENTITY["instanceId"])
    assert (view["InstanceType"], view["AvailabilityZone"], view["PrivateIp"]) == ("t3.small", "local-a", "10.0.0.9")


def test_registering_takes_manage_on_that_stack(root: Caller) -> None:
    stack = root.stack()

    with pytest.raises(AccessDeniedException, match="opsworks:RegisterInstance"):
        root.as_user("dora")("RegisterInstance", StackId=stack)
    with pytest.raises(ResourceNotFoundException, match="nowhere"):
        root("RegisterInstance", StackId="nowhere")


def test_a_windows_stack_has_no_registered_machines(root: Caller) -> None:
    stack = root.stack(DefaultOs="Microsoft Windows Server 2012 R2 Base", DefaultRootDeviceType="ebs")

    with pytest.raises(ValidationException, match="only Linux machines are registered"):
        root("RegisterInstance", StackId=stack)


# -- AssignInstance, UnassignInstance, DeregisterInstance --------------------------------------------------------------


def registered(root: Caller, stack: str, **members: Any) -> str:
    """A machine that has joined and finished its first Setup."""
    id = str(root("RegisterInstance", StackId=stack, **members)["InstanceId"])
    end_commands(root, id)
    root.bring(id, Status.RUNNING_SETUP, Status.REGISTERED, machine_id=None)
    return id


def online(root: Caller, stack: str, *layers: str, **members: Any) -> str:
    id = registered(root, stack, **members)
    root("AssignInstance", InstanceId=id, LayerIds=list(layers))
    end_commands(root, id)
    root.bring(id, Status.RUNNING_SETUP, Status.ONLINE, machine_id=None)
    return id


def end_commands(root: Caller, instance_id: str) -> None:
    with root.services.database.write() as conn:
        now = root.services.database.now(conn)
        for each in commands.of_queue(conn, instance_id):
            commands.acknowledge(conn, each, now)
            commands.finish(conn, each, CommandStatus.SUCCESSFUL, 0, now, "")


def is_configure_due(root: Caller) -> bool:
    with root.services.database.read() as conn:
        return conn.execute(sa.select(sa.func.count()).select_from(tables.configures)).scalar_one() > 0


def join(root: Caller, instance_id: str) -> None:
    """Give it a key, as an enrolment does."""
    with root.services.database.write() as conn:
        seen = instances.get(conn, instance_id)
        assert seen is not None
        nodes.add(
            conn,
            NodeKey(
                key_id=f"n-{instance_id}"[:64],
                instance_id=seen.id,
                stack_id=seen.stack_id,
                public=instance_id.encode()[:32],
                sealing=bytes(32),
                state="current",
                created_at=seen.created_at,
                enrolment_id="e-1",
                fingerprint=Fingerprint(),
            ),
        )


def open_types(root: Caller, instance_id: str) -> list[str]:
    with root.services.database.read() as conn:
        return [each.type for each in commands.of_queue(conn, instance_id)]


def test_03_36_a_registered_machine_is_assigned_to_several_layers_and_set_up(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    layers = [root.layer(stack, "app"), root.layer(stack, "shop")]
    id = registered(root, stack)

    root("AssignInstance", InstanceId=id, LayerIds=layers)

    assert (root.status(id), shown(root, id)["LayerIds"]) == ("assigning", layers)
    assert open_types(root, id) == ["setup"]
    with pytest.raises(ValidationException, match="it is assigning: please take it out .* UnassignInstance first"):
        root("AssignInstance", InstanceId=id, LayerIds=layers)


def test_03_36_a_machine_that_is_online_is_unassigned_before_it_is_assigned_anew(root: Caller) -> None:
    stack = root.stack()
    app, shop = root.layer(stack, "app"), root.layer(stack, "shop")
    id = online(root, stack, app)

    with pytest.raises(ValidationException, match="it is online: please take it out of its layers with UnassignInst"):
        root("AssignInstance", InstanceId=id, LayerIds=[shop])


@pytest.mark.parametrize("operation", ["AssignInstance", "UnassignInstance"])
def test_08_29_what_the_service_created_is_neither_assigned_nor_unassigned(root: Caller, operation: str) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    id = root.instance(stack, layer)
    members = {"LayerIds": [layer]} if operation == "AssignInstance" else {}

    with pytest.raises(ValidationException, match="was created by the service .* with UpdateInstance"):
        root(operation, InstanceId=id, **members)


def test_a_machine_whose_first_setup_failed_is_assigned_after_a_good_one(root: Caller) -> None:
    stack = root.stack()
    id = root("RegisterInstance", StackId=stack)["InstanceId"]
    root.bring(id, Status.RUNNING_SETUP, Status.SETUP_FAILED, machine_id=None)

    with pytest.raises(ValidationException, match="it is setup_failed: .* run the command setup on it"):
        root("AssignInstance", InstanceId=id, LayerIds=[root.layer(stack)])


def test_wrong_layers_are_refused(root: Caller) -> None:
    stack = root.stack()
    other = root.layer(root.stack(Name="other"))
    id = registered(root, stack)
    many = [root.layer(stack, kind, Type=kind) for kind in ("lb", "web")]

    with pytest.raises(ValidationException, match="LayerIds must name at least one layer"):
        root("AssignInstance", InstanceId=id, LayerIds=[])
    with pytest.raises(ResourceNotFoundException, match=f"layer with ID {other} in stack {stack}"):
        root("AssignInstance", InstanceId=id, LayerIds=[other])
    with pytest.raises(ValidationException, match="an instance cannot be in layers"):
        root("AssignInstance", InstanceId=id, LayerIds=many)
    assert root.status(id) == "registered"


def test_I_17_machines_in_no_cloud_go_into_any_layer_and_cloud_machines_into_custom_ones(root: Caller) -> None:
    stack = root.stack()
    built_in, custom = root.layer(stack, "lb", Type="lb"), root.layer(stack, "app")
    iron = registered(root, stack)
    cloud = registered(root, stack, InstanceIdentity={"Document": json.dumps(IDENTITY)})

    root("AssignInstance", InstanceId=iron, LayerIds=[built_in])
    with pytest.raises(ValidationException, match="cloud machine, which can be in custom layers .* is of type lb"):
        root("AssignInstance", InstanceId=cloud, LayerIds=[built_in])
    root("AssignInstance", InstanceId=cloud, LayerIds=[custom])

    assert (root.status(iron), root.status(cloud)) == ("assigning", "assigning")


def test_08_30_unassigning_is_for_all_layers_with_shutdown_there_and_configure_for_the_others(root: Caller) -> None:
    stack = root.stack()
    id = online(root, stack, root.layer(stack, "app"), root.layer(stack, "shop"))

    root("UnassignInstance", InstanceId=id)
    root("UnassignInstance", InstanceId=id)

    assert root.status(id) == "unassigning"
    assert open_types(root, id) == ["shutdown"]
    assert is_configure_due(root)


def test_unassigning_in_the_middle_of_a_setup_aborts_it(root: Caller) -> None:
    stack = root.stack()
    id = registered(root, stack)
    root("AssignInstance", InstanceId=id, LayerIds=[root.layer(stack)])
    with root.services.database.write() as conn:
        [setup] = commands.of_queue(conn, id)
        commands.acknowledge(conn, setup, root.services.database.now(conn))

    root("UnassignInstance", InstanceId=id)

    with root.services.database.read() as conn:
        assert {each.type: each.aborted for each in commands.of_queue(conn, id)} == {"setup": True, "shutdown": False}
    assert not is_configure_due(root)


def test_what_is_in_no_layer_is_not_unassigned(root: Caller) -> None:
    id = registered(root, root.stack())

    with pytest.raises(ValidationException, match="it is registered and in no layer"):
        root("UnassignInstance", InstanceId=id)


def test_03_38_an_online_machine_shuts_down_leaves_and_the_others_are_configured(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    id = online(root, stack, root.layer(stack))
    join(root, id)

    root("DeregisterInstance", InstanceId=id)
    root("DeregisterInstance", InstanceId=id)

    assert root.status(id) == "deregistering"
    assert open_types(root, id) == ["shutdown", "deregister"]
    assert is_configure_due(root)


def test_a_machine_in_no_layer_only_leaves(root: Caller) -> None:
    id = registered(root, root.stack())
    join(root, id)

    root("DeregisterInstance", InstanceId=id)

    assert open_types(root, id) == ["deregister"]
    assert not is_configure_due(root)


def test_a_registration_that_no_machine_completed_is_gone_at_once_and_its_name_is_free(root: Caller) -> None:
    stack = root.stack()
    id = root("RegisterInstance", StackId=stack, Hostname="iron1", RsaPublicKey=public_pem(new_signing_key()))[
        "InstanceId"
    ]

    root("DeregisterInstance", InstanceId=id)

    with pytest.raises(ResourceNotFoundException):
        root("DescribeInstances", InstanceIds=[id])
    root("RegisterInstance", StackId=stack, Hostname="iron1")


def test_08_10_6_what_the_service_created_can_be_let_go_too_and_its_machine_runs_on(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    up, resting, leaving = (root.instance(stack, layer) for _ in range(3))
    root.bring_online(up)
    join(root, up)
    root.bring_online(leaving)
    root.bring(leaving, Status.SHUTTING_DOWN, Status.STOPPING)

    root("DeregisterInstance", InstanceId=up)
    root("DeregisterInstance", InstanceId=resting)
    with pytest.raises(ValidationException, match="it is stopping: please wait until that is over"):
        root("DeregisterInstance", InstanceId=leaving)

    assert root.status(up) == "deregistering"
    assert {each["InstanceId"] for each in root("DescribeInstances", StackId=stack)["Instances"]} == {up, leaving}
    with root.services.database.read() as conn:
        assert conn.execute(sa.select(tables.leftovers)).all() == []


@pytest.mark.parametrize("kind", ["on-premises", "cloud"])
def test_03_39_and_08_31_nobody_has_power_over_a_registered_machine(root: Caller, kind: str) -> None:
    stack = root.stack()
    members = {"InstanceIdentity": {"Document": json.dumps(IDENTITY)}} if kind == "cloud" else {}
    id = online(root, stack, root.layer(stack), **members)
    refused = {
        "StartInstance": "please start it on the machine itself, or put it into layers with AssignInstance",
        "StopInstance": "please shut it down on the machine itself, .* UnassignInstance, or .* DeregisterInstance",
        "RebootInstance": "please reboot it on the machine itself",
        "UpdateInstance": "its layers are changed with UnassignInstance and AssignInstance",
        "DeleteInstance": "it cannot be deleted, only let go with DeregisterInstance",
        "HealInstance": "is a registered machine: no provider can restart it",
    }

    for operation, message in refused.items():
        with pytest.raises(ValidationException, match=message):
            root(operation, InstanceId=id)
    root("StopStack", StackId=stack)
    root("StartStack", StackId=stack)

    assert root.status(id) == "online"
    root("DeregisterInstance", InstanceId=id)


@pytest.mark.parametrize("operation", ["AssignInstance", "UnassignInstance", "DeregisterInstance"])
def test_each_of_them_takes_manage(root: Caller, operation: str) -> None:
    stack = root.stack()
    id = registered(root, stack)
    members = {"LayerIds": [root.layer(stack)]} if operation == "AssignInstance" else {}
    root("CreateUserProfile", IamUserArn=root.as_user("dora").principal.arn)
    root("SetPermission", StackId=stack, IamUserArn=root.as_user("dora").principal.arn, Level="deploy")

    with pytest.raises(AccessDeniedException, match=f"opsworks:{operation}"):
        root.as_user("dora")(operation, InstanceId=id, **members)
