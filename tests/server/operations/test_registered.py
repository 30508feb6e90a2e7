"""Machines that exist already: registered, assigned, unassigned, deregistered (chapter 03 §§ 5.2 and 12, 08 § 10)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.server.operations.calls import Caller
from toque.protocol.keys import new_signing_key
from toque.protocol.registration import fingerprints, public_pem, read_public
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException

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

    with pytest.raises(ValidationException, match="must have 2048 to 4096 bits, this has 1024"):
        root("RegisterInstance", StackId=stack, RsaPublicKey=rsa_pem(1024))
    with pytest.raises(ValidationException, match="an Ed25519 or an RSA key"):
        root("RegisterInstance", StackId=stack, RsaPublicKey=other)


def test_a_call_whose_answer_was_lost_answers_the_same_instance_again(root: Caller) -> None:
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
