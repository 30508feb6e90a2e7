"""Machines that exist already: registered, assigned, unassigned, deregistered."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World
from toque_server.domain.instance import Status


def public_key() -> tuple[str, str]:
    """A new machine's RSA key, PEM, and its fingerprint."""
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = base64.b64decode("".join(pem.decode().splitlines()[1:-1]))
    digest = hashlib.md5(der).hexdigest()
    return pem.decode(), ":".join(digest[at : at + 2] for at in range(0, 32, 2))


def registered(w: World, stack: str, name: str) -> str:
    """A machine that registered itself and ran its Setup."""
    instance: str = w("RegisterInstance", StackId=stack, Hostname=name, RsaPublicKey=public_key()[0])["InstanceId"]
    w.inside.bring(instance, Status.RUNNING_SETUP, Status.REGISTERED)
    return instance


@case("RegisterInstance")
def register(w: World) -> Case:
    stack = w.stack()
    registered(w, stack, "taken")
    key, fingerprint = public_key()
    document = {"instanceId": "i-0a1b2c3d4e5f60718", "region": "local"}
    identity = {"Document": json.dumps(document), "Signature": "AAAA"}
    return Case(
        minimal={"StackId": stack},
        fuller=[
            {"StackId": stack, "Hostname": "iron", "PublicIp": "198.51.100.7", "PrivateIp": "10.0.0.7", "RsaPublicKey": key,
             "RsaPublicKeyFingerprint": fingerprint},
            {"StackId": stack, "Hostname": "cloudy", "InstanceIdentity": identity},
        ],
        invalid=[
            ({"StackId": stack, "Hostname": "taken"}, "taken"),
            ({"StackId": stack, "Hostname": "under_score"}, "under_score"),
            ({"StackId": stack, "Hostname": "new", "PrivateIp": "10.0.0"}, "10.0.0"),
            ({"StackId": stack, "Hostname": "new", "RsaPublicKey": "no key"}, "RsaPublicKey"),
        ],
        missing=[({"StackId": NOWHERE}, NOWHERE)],
    )  # fmt: skip


@case("AssignInstance")
def assign(w: World) -> Case:
    stack = w.stack()
    layer = w.layer(stack)
    ordinary = w.instance(stack, layer)
    instance = registered(w, stack, "iron")
    return Case(
        minimal={"InstanceId": instance, "LayerIds": [layer]},
        invalid=[
            ({"InstanceId": ordinary, "LayerIds": [layer]}, "registered"),
            ({"InstanceId": registered(w, stack, "steel"), "LayerIds": []}, "LayerIds"),
        ],
        missing=[
            ({"InstanceId": NOWHERE, "LayerIds": [layer]}, NOWHERE),
            ({"InstanceId": instance, "LayerIds": [NOWHERE]}, NOWHERE),
        ],
    )


@case("UnassignInstance")
def unassign(w: World) -> Case:
    stack = w.stack()
    layer = w.layer(stack)
    instance = registered(w, stack, "iron")
    w("AssignInstance", InstanceId=instance, LayerIds=[layer])
    w.inside.bring(instance, Status.RUNNING_SETUP, Status.ONLINE)
    return Case(
        minimal={"InstanceId": instance},
        invalid=[({"InstanceId": w.instance(stack, layer)}, "registered")],
        missing=[({"InstanceId": NOWHERE}, NOWHERE)],
    )


@case("DeregisterInstance")
def deregister(w: World) -> Case:
    stack = w.stack()
    instance = registered(w, stack, "iron")
    return Case(minimal={"InstanceId": instance}, missing=[({"InstanceId": NOWHERE}, NOWHERE)])


@case("DescribeStackProvisioningParameters")
def provisioning(w: World) -> Case:
    return Case(minimal={"StackId": w.stack()}, missing=[({"StackId": NOWHERE}, NOWHERE)])
