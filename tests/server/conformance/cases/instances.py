"""Instances, started and stopped."""

from __future__ import annotations

import sqlalchemy as sql
from msgspec.structs import replace

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.cases.clusters import layer_of as cluster
from tests.server.conformance.cases.registered import registered
from tests.server.conformance.world import World
from tests.server.made import NOW
from toque.protocol.messages import Facts
from toque_server.store import contacts, instances, service_errors, tables
from toque_server.store.service_errors import ServiceError

DISK = {
    "DeviceName": "/dev/sda1",
    "VirtualName": "ephemeral0",
    "Ebs": {
        "SnapshotId": "snap-0a1b2c3d",
        "Iops": 100,
        "VolumeSize": 20,
        "VolumeType": "io1",
        "DeleteOnTermination": True,
    },
}
CHANGEABLE = {
    "InstanceType": "medium",
    "AutoScalingType": "timer",
    "Hostname": "most",
    "Os": "Custom",
    "AmiId": "ami-0a1b2c3d",
    "SshKeyName": "ann",
    "Architecture": "x86_64",
    "InstallUpdatesOnBoot": False,
    "EbsOptimized": True,
    "AgentVersion": "INHERIT",
}
HOST_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7"
DISKS = [
    {"DeviceName": "ROOT_DEVICE", "Ebs": DISK["Ebs"]},
    {"DeviceName": "/dev/sdb", "NoDevice": ""},
    {"DeviceName": "/dev/sdc", "VirtualName": "ephemeral0"},
]
FACTS = Facts(os_family="debian", os_name="Debian", os_version="12", ssh_host_key=HOST_KEY, private_ip="10.0.0.7")
REPORTED_BY_PROVIDER = {"private_dns": "a.internal", "public_dns": "a.example.org", "public_ip": "198.51.100.7"}
CREDENTIAL = ("Username", "Password", "ValidForInMinutes", "InstanceId")
FIXED = {
    "VirtualizationType": "hvm",
    "RootDeviceType": "ebs",
    "Tenancy": "default",
    "AvailabilityZone": "us-east-1a",
    "SubnetId": "subnet-0a1b2c3d",
}


def _placed(w: World) -> tuple[str, str]:
    stack = w.stack(Region="us-east-1", VpcId="vpc-0a1b2c3d", DefaultSubnetId="subnet-0a1b2c3d")
    return stack, w.layer(stack)


@case("CreateInstance")
def create_instance(w: World) -> Case:
    stack, layer = _placed(w)
    least = {"StackId": stack, "LayerIds": [layer], "InstanceType": "small"}
    return Case(
        minimal=least,
        fuller=[
            {**least, **CHANGEABLE, **FIXED},
            {**least, "BlockDeviceMappings": DISKS},
        ],
        invalid=[
            ({**least, "Os": "Amiga"}, "Amiga"),
            ({**least, "Hostname": "under_score"}, "under_score"),
            ({**least, "Os": "Microsoft Windows Server 2019 Base"}, "Windows"),
        ],
        missing=[
            ({**least, "StackId": NOWHERE}, NOWHERE),
            ({**least, "LayerIds": [NOWHERE]}, NOWHERE),
            ({**least, "LayerIds": [w.layer(w.stack(Name="other"))]}, "in stack"),
        ],
    )


@case("UpdateInstance")
def update_instance(w: World) -> Case:
    stack, layer = _placed(w)
    other = w.layer(stack, "other")
    # What is fixed may be sent again as it is.
    same = {name: CHANGEABLE[name] for name in ("Os", "AmiId", "EbsOptimized")}
    instance, online = w.instance(stack, layer, **same), w.instance(stack, layer)
    w.inside.bring_online(online)
    return Case(
        minimal={"InstanceId": instance},
        fuller=[{"InstanceId": instance, "LayerIds": [layer, other], **CHANGEABLE}],
        invalid=[
            ({"InstanceId": instance, "AmiId": "ami-0e1f2a3b"}, "AmiId"),
            ({"InstanceId": online, "Hostname": "new"}, "please stop it"),
            ({"InstanceId": instance, "LayerIds": []}, "layer"),
        ],
        missing=[({"InstanceId": NOWHERE}, NOWHERE), ({"InstanceId": instance, "LayerIds": [NOWHERE]}, NOWHERE)],
    )


@case("DescribeInstances")
def describe_instances(w: World) -> Case:
    stack, layer = _placed(w)
    w.instance(stack, layer, BlockDeviceMappings=DISKS)
    instance = w.instance(stack, layer, **CHANGEABLE, **FIXED)
    w.inside.bring_online(instance)
    w("RegisterElasticIp", ElasticIp="198.51.100.7", StackId=stack)
    w("AssociateElasticIp", ElasticIp="198.51.100.7", InstanceId=instance)
    registered(w, stack, "iron")
    cluster(w, stack)
    with w.services.database.write() as conn:
        seen = instances.get(conn, instance)
        assert seen is not None
        details = replace(instances.details(conn, [instance])[instance], **REPORTED_BY_PROVIDER)
        instances.set_details(conn, seen, details)
        contacts.touch(conn, instance, stack, NOW)
        contacts.set_facts(conn, instance, FACTS)
        conn.execute(sql.update(tables.contacts).values(agent_version="1.0"))
        service_errors.add(
            conn, ServiceError(id="e", stack_id=stack, instance_id=instance, type="t", message="m", created_at=NOW)
        )
    return Case(
        minimal={"StackId": stack},
        fuller=[{"LayerId": layer}, {"InstanceIds": [instance]}],
        invalid=[({}, "Please provide"), ({"StackId": stack, "LayerId": layer}, "Please provide")],
        missing=[
            ({"StackId": NOWHERE}, NOWHERE),
            ({"LayerId": NOWHERE}, NOWHERE),
            ({"InstanceIds": [NOWHERE]}, NOWHERE),
        ],
        absent={
            "Instances.EcsContainerInstanceArn": "the machine itself says it, once it is in its cluster",
            "Instances.Platform": "it was said of Windows only",
            "Instances.RootDeviceVolumeId": "of providers that have volumes",
            "Instances.SshHostDsaKeyFingerprint": "no system makes DSA keys any more",
        },
    )


@case("StartInstance")
def start_instance(w: World) -> Case:
    stack = w.stack()
    layer = w.layer(stack)
    # Of those that are up already the start is no error (DECISION I-10).
    online, timed = w.instance(stack, layer), w.instance(stack, layer, AutoScalingType="timer")
    w.inside.bring_online(online)
    return Case(
        minimal={"InstanceId": w.instance(stack, layer)},
        fuller=[{"InstanceId": online}],
        invalid=[
            ({"InstanceId": timed}, "managed by"),
            ({"InstanceId": registered(w, stack, "iron")}, "registered machine"),
        ],
        missing=[({"InstanceId": NOWHERE}, NOWHERE)],
    )


@case("StopInstance")
def stop_instance(w: World) -> Case:
    stack = w.stack()
    layer = w.layer(stack)
    one, two, stopped = (w.instance(stack, layer) for _ in range(3))
    w.inside.bring_online(one, two)
    return Case(
        minimal={"InstanceId": one},
        # Of what is stopped already the stop is no error (DECISION I-11).
        fuller=[{"InstanceId": two, "Force": True}, {"InstanceId": stopped}],
        invalid=[({"InstanceId": registered(w, stack, "iron")}, "registered machine")],
        missing=[({"InstanceId": NOWHERE}, NOWHERE)],
    )


@case("RebootInstance")
def reboot_instance(w: World) -> Case:
    stack = w.stack()
    layer = w.layer(stack)
    one, stopped = w.instance(stack, layer), w.instance(stack, layer)
    w.inside.bring_online(one)
    return Case(
        minimal={"InstanceId": one},
        invalid=[({"InstanceId": stopped}, "stopped")],
        missing=[({"InstanceId": NOWHERE}, NOWHERE)],
    )


@case("DeleteInstance")
def delete_instance(w: World) -> Case:
    stack = w.stack()
    layer = w.layer(stack)
    online = w.instance(stack, layer)
    w.inside.bring_online(online)
    return Case(
        minimal={"InstanceId": w.instance(stack, layer)},
        fuller=[{"InstanceId": w.instance(stack, layer), "DeleteElasticIp": False, "DeleteVolumes": False}],
        invalid=[({"InstanceId": online}, "online")],
        missing=[({"InstanceId": NOWHERE}, NOWHERE)],
    )


@case("GrantAccess")
def grant_access(w: World) -> Case:
    # We manage Linux only: every call is refused, each with its reason (07 § 7).
    stack = w.stack()
    instance = w.instance(stack, w.layer(stack))
    never = "This action can be used only with Windows stacks"
    return Case(
        minimal={"InstanceId": instance},
        fuller=[{"InstanceId": instance, "ValidForInMinutes": 60}],
        invalid=[({"InstanceId": instance, "ValidForInMinutes": 5000}, "ValidForInMinutes")],
        missing=[({"InstanceId": NOWHERE}, NOWHERE)],
        absent=dict.fromkeys(
            ("TemporaryCredential", *(f"TemporaryCredential.{member}" for member in CREDENTIAL)), never
        ),
        never=never,
    )
