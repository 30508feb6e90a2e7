"""Instances, started and stopped."""

from __future__ import annotations

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.cases.registered import registered
from tests.server.conformance.world import World

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
    disks = [{"DeviceName": "/dev/sdb", "NoDevice": ""}, {**DISK, "DeviceName": "ROOT_DEVICE"}]
    return Case(
        minimal=least,
        fuller=[
            {**least, **CHANGEABLE, **FIXED},
            {**least, "BlockDeviceMappings": [{"DeviceName": "ROOT_DEVICE", "Ebs": DISK["Ebs"]}, *disks[:1]]},
            {**least, "BlockDeviceMappings": [{"DeviceName": "/dev/sdc", "VirtualName": "ephemeral0"}]},
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
    instance, online = w.instance(stack, layer), w.instance(stack, layer)
    w.inside.bring_online(online)
    return Case(
        minimal={"InstanceId": instance},
        fuller=[{"InstanceId": instance, "LayerIds": [layer, other], **CHANGEABLE}],
        invalid=[
            ({"InstanceId": online, "Hostname": "new"}, "please stop it"),
            ({"InstanceId": instance, "LayerIds": []}, "layer"),
        ],
        missing=[({"InstanceId": NOWHERE}, NOWHERE), ({"InstanceId": instance, "LayerIds": [NOWHERE]}, NOWHERE)],
    )


@case("DescribeInstances")
def describe_instances(w: World) -> Case:
    stack, layer = _placed(w)
    disk = {"DeviceName": "ROOT_DEVICE", "Ebs": DISK["Ebs"]}
    instance = w.instance(stack, layer, **CHANGEABLE, **FIXED, BlockDeviceMappings=[disk])
    return Case(
        minimal={"StackId": stack},
        fuller=[{"LayerId": layer}, {"InstanceIds": [instance]}],
        invalid=[({}, "Please provide"), ({"StackId": stack, "LayerId": layer}, "Please provide")],
        missing=[({"StackId": NOWHERE}, NOWHERE), ({"LayerId": NOWHERE}, NOWHERE), ({"InstanceIds": [NOWHERE]}, NOWHERE)],
    )  # fmt: skip


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
