"""What an instance may be ordered as, and what of it may change when (chapter 03 §§ 2, 8)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.server.operations.calls import Caller
from tests.server.operations.test_instances import WINDOWS, shown
from toque_server.domain.instance import Status
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.store import tables


def put(root: Caller, instance: str, **columns: Any) -> None:
    """As the loops would leave it, in one step."""
    with root.services.database.write() as conn:
        conn.execute(sa.update(tables.instances).where(tables.instances.c.id == instance).values(**columns))


def root_volume(**ebs: Any) -> dict[str, Any]:
    return {"BlockDeviceMappings": [{"DeviceName": "ROOT_DEVICE", "Ebs": ebs}]}


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"AutoScalingType": "cron"}, "AutoScalingType 'cron' is unknown: please use one of load, timer"),
        ({"Architecture": "arm"}, "x86_64, i386"),
        ({"Tenancy": "shared"}, "default, dedicated, host"),
        ({"VirtualizationType": "pv"}, "paravirtual, hvm"),
        ({"RootDeviceType": "nfs"}, "RootDeviceType 'nfs' is unknown: please use one of ebs, instance-store"),
        ({"AgentVersion": "newest"}, "INHERIT"),
        ({"Os": "BeOS"}, "Ubuntu 24.04 LTS"),
        ({"Os": WINDOWS}, "does not go with the stack"),
        ({"Os": "Custom"}, "AmiId"),
        ({"AmiId": "ami-1"}, "Os to be Custom"),
        (root_volume(VolumeSize=7), "8 to 1024 GiB, not 7"),
        (root_volume(VolumeType="gp2", VolumeSize=16385), "8 to 16384"),
        (root_volume(VolumeType="st1", VolumeSize=100), "125 to 16384"),
        (root_volume(VolumeType="gp9"), "standard, io1, gp2, st1, sc1"),
        (root_volume(VolumeType="io1", VolumeSize=10), "Iops is missing"),
        (root_volume(VolumeType="io1", VolumeSize=10, Iops=501), "1 to 500"),
        (root_volume(VolumeType="io1", VolumeSize=10, Iops=0), "1 to 500"),
    ],
)
def test_03_section_2_an_order_that_no_provider_could_carry_out(
    root: Caller, members: dict[str, Any], why: str
) -> None:
    stack = root.stack()
    layer = root.layer(stack)

    with pytest.raises(ValidationException, match=why):
        root.instance(stack, layer, **members)
    assert root("DescribeInstances", StackId=stack)["Instances"] == []


def test_03_section_2_volumes_of_every_type_are_accepted(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    mappings = [
        {"DeviceName": "ROOT_DEVICE", "Ebs": {"VolumeType": "io1", "VolumeSize": 10, "Iops": 500}},
        {"DeviceName": "/dev/sdb", "Ebs": {"VolumeType": "gp2", "VolumeSize": 1, "DeleteOnTermination": False}},
        {"DeviceName": "/dev/sdc", "Ebs": {"VolumeType": "sc1", "VolumeSize": 125}},
        {"DeviceName": "/dev/sdd", "VirtualName": "ephemeral0"},
    ]

    assert shown(root, root.instance(stack, layer, BlockDeviceMappings=mappings))["BlockDeviceMappings"] == mappings


def test_03_section_2_what_is_not_said_comes_from_the_stack_and_the_layers(root: Caller) -> None:
    stack = root.stack(
        DefaultSshKeyName="key",
        DefaultRootDeviceType="instance-store",
        DefaultAvailabilityZone="local-b",
        VpcId="vpc-1",
        DefaultSubnetId="subnet-1",
        DefaultOs="Debian 12",
    )
    layer = root.layer(stack, UseEbsOptimizedInstances=True)

    given = shown(root, root.instance(stack, layer))
    other = shown(root, root.instance(stack, layer, EbsOptimized=False, SshKeyName="mine", SubnetId="subnet-2"))

    members = ("Os", "SshKeyName", "RootDeviceType", "AvailabilityZone", "SubnetId", "EbsOptimized")
    assert [given[each] for each in members] == ["Debian 12", "key", "instance-store", "local-b", "subnet-1", True]
    assert [other[each] for each in members[1:]] == ["mine", "instance-store", "local-b", "subnet-2", False]
    assert given["InstallUpdatesOnBoot"] is True
    assert "AutoScalingType" not in given


def test_03_section_2_an_image_of_the_user_s_own_keeps_its_system_and_its_devices(root: Caller) -> None:
    stack = root.stack()
    own = {"Os": "Custom", "AmiId": "ami-1", "RootDeviceType": "instance-store"} | root_volume(VolumeSize=1)
    instance = root.instance(stack, root.layer(stack), **own)

    assert "BlockDeviceMappings" not in shown(root, instance)
    with pytest.raises(ValidationException, match="Os cannot change on an instance of a custom image"):
        root("UpdateInstance", InstanceId=instance, Os="Debian 12")
    with pytest.raises(ValidationException, match="AmiId cannot change"):
        root("UpdateInstance", InstanceId=instance, AmiId="ami-2")
    root("UpdateInstance", InstanceId=instance, AmiId="ami-1", Os="Custom", SshKeyName="other")
    assert shown(root, instance)["SshKeyName"] == "other"


def test_03_section_2_a_windows_instance_follows_the_agent_of_its_stack(root: Caller) -> None:
    stack = root.stack(DefaultOs=WINDOWS)
    layer = root.layer(stack)

    with pytest.raises(ValidationException, match="AgentVersion must be INHERIT in a Windows stack"):
        root.instance(stack, layer, AgentVersion="0.1.0")
    with pytest.raises(ValidationException, match="RootDeviceType must be ebs in a Windows stack"):
        root.instance(stack, layer, RootDeviceType="instance-store")
    with pytest.raises(ValidationException, match="Os 'Debian 12' does not go with the stack"):
        root.instance(stack, layer, Os="Debian 12")


def test_03_section_2_whether_it_is_ebs_optimised_never_changes(root: Caller) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))

    with pytest.raises(ValidationException, match="EbsOptimized cannot change"):
        root("UpdateInstance", InstanceId=instance, EbsOptimized=True)
    root("UpdateInstance", InstanceId=instance, EbsOptimized=False, Architecture="i386")
    assert shown(root, instance)["Architecture"] == "i386"


def test_03_13_and_i_3_a_running_instance_may_be_told_again_what_it_is(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    instance = root.instance(stack, layer, Hostname="web1")
    root.bring_online(instance)

    same = {"LayerIds": [layer], "InstanceType": "small", "Hostname": "WEB1", "Os": shown(root, instance)["Os"]}
    root("UpdateInstance", InstanceId=instance, AgentVersion="0.2.0", **same)

    assert shown(root, instance)["AgentVersion"] == "0.2.0"
    with pytest.raises(ValidationException, match="web1 is online: please stop it before you change it"):
        root("UpdateInstance", InstanceId=instance, **same | {"Hostname": "web2"})


def test_i_3_an_instance_never_leaves_its_last_layer_and_keeps_to_layers_of_its_stack(root: Caller) -> None:
    stack = root.stack()
    php, lb = (root.layer(stack, type, Type=type) for type in ("php-app", "lb"))
    instance = root.instance(stack, php)
    other = root.stack()
    foreign = root.layer(other)

    with pytest.raises(ValidationException, match="at least one layer"):
        root("UpdateInstance", InstanceId=instance, LayerIds=[])
    with pytest.raises(ValidationException, match=r"cannot be in layers php-app \(php-app\) and lb \(lb\)"):
        root("UpdateInstance", InstanceId=instance, LayerIds=[php, lb])
    with pytest.raises(ResourceNotFoundException, match=foreign):
        root("UpdateInstance", InstanceId=instance, LayerIds=[foreign])
    root("UpdateInstance", InstanceId=instance, LayerIds=[lb])
    assert shown(root, instance)["LayerIds"] == [lb]


def test_03_15_an_instance_gets_no_name_that_another_has(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    layer = root.layer(stack)
    root.instance(stack, layer, Hostname="web1")
    instance = root.instance(stack, layer, Hostname="web2")

    with pytest.raises(ValidationException, match="Hostname web1 is taken"):
        root("UpdateInstance", InstanceId=instance, Hostname="Web1")
    root("UpdateInstance", InstanceId=instance, Hostname="Web3")
    assert shown(root, instance)["Hostname"] == "web3"


@pytest.mark.parametrize("status", Status)
def test_i_3_and_i_12_only_at_rest_is_an_instance_changed_or_deleted(root: Caller, status: Status) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack), Hostname="web1")
    put(root, instance, status=status.value)

    if status in (Status.STOPPED, Status.START_FAILED):
        root("UpdateInstance", InstanceId=instance, InstanceType="large")
    else:
        with pytest.raises(ValidationException, match=f"web1 is {status}: please stop it before you change it"):
            root("UpdateInstance", InstanceId=instance, InstanceType="large")
    root("UpdateInstance", InstanceId=instance, InstallUpdatesOnBoot=False)
    if status in (Status.STOPPED, Status.TERMINATED, Status.START_FAILED):
        root("DeleteInstance", InstanceId=instance)
    else:
        with pytest.raises(ValidationException, match=f"web1 is {status}: please stop it before you delete it"):
            root("DeleteInstance", InstanceId=instance)


def test_03_section_8_what_healing_has_stopped_is_neither_changed_nor_deleted(root: Caller) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack), Hostname="web1")
    put(root, instance, heal_id="h-1")

    with pytest.raises(ValidationException, match="web1 is being healed"):
        root("UpdateInstance", InstanceId=instance, InstanceType="large")
    with pytest.raises(ValidationException, match="web1 is being healed: please stop it before you delete it"):
        root("DeleteInstance", InstanceId=instance)


def test_i_12_commands_go_with_the_instance_and_its_deployments_stay(root: Caller) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    root.bring_online(instance)
    deployment = root("CreateDeployment", StackId=stack, Command={"Name": "update_custom_cookbooks"})["DeploymentId"]
    put(root, instance, status="stopped")

    root("DeleteInstance", InstanceId=instance)

    assert root("DescribeCommands", DeploymentId=deployment)["Commands"] == []
    [kept] = root("DescribeDeployments", DeploymentIds=[deployment])["Deployments"]
    assert kept["StackId"] == stack


@pytest.mark.parametrize("status", Status)
def test_03_16_nobody_but_the_scaler_starts_its_instances_whatever_they_are(root: Caller, status: Status) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack), AutoScalingType="timer", Hostname="web1")
    put(root, instance, status=status.value)

    with pytest.raises(ValidationException, match=r"web1 is managed by scaling \(timer\), which starts it") as refused:
        root("StartInstance", InstanceId=instance)

    assert ("stop it first" in str(refused.value)) is (status is Status.START_FAILED)


def test_i_11_instances_of_a_scaler_can_be_stopped_by_hand(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    for kind in ("timer", "load"):
        instance = root.instance(stack, layer, AutoScalingType=kind)
        root.bring_online(instance)
        root("StopInstance", InstanceId=instance)
        assert root.status(instance) == "shutting_down"
    failed = root.instance(stack, layer, AutoScalingType="timer")
    put(root, failed, status="start_failed")
    root("StopInstance", InstanceId=failed)
    assert root.status(failed) in ("stopping", "stopped")
