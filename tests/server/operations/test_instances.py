from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.domain.instance import Status
from toque_server.operations.errors import ResourceNotFoundException, ValidationException

WINDOWS = "Microsoft Windows Server 2012 R2 Base"


def shown(root: Caller, instance_id: str) -> dict[str, Any]:
    found: dict[str, Any] = root("DescribeInstances", InstanceIds=[instance_id])["Instances"][0]
    return found


def test_03_1_a_created_instance_is_a_stopped_record_without_a_machine(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    a, b = root.layer(stack, "a"), root.layer(stack, "b")

    instance = shown(root, root.instance(stack, b, a))

    assert instance["Status"] == "stopped"
    assert instance["LayerIds"] == [b, a]
    assert "Ec2InstanceId" not in instance
    assert instance["ReportedOs"] == {}
    assert (instance["Architecture"], instance["RootDeviceType"], instance["AgentVersion"]) == (
        "x86_64",
        "ebs",
        "INHERIT",
    )


def test_03_2_at_least_one_layer_and_only_of_this_stack(root: Caller) -> None:
    stack, other = root.stack(), root.stack()
    foreign = root.layer(other)

    with pytest.raises(ValidationException, match="at least one layer"):
        root.instance(stack)
    with pytest.raises(ResourceNotFoundException, match=f"{foreign} in stack {stack}"):
        root.instance(stack, root.layer(stack), foreign)


def test_02_15_layers_that_do_not_go_together(root: Caller) -> None:
    stack = root.stack()
    cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/c1"
    root("RegisterEcsCluster", EcsClusterArn=cluster, StackId=stack)
    layers = {
        kind: root.layer(stack, kind, Type=kind, **extra)
        for kind, extra in {
            "nodejs-app": {},
            "lb": {},
            "php-app": {},
            "ecs-cluster": {"Attributes": {"EcsClusterArn": cluster}},
        }.items()
    }
    custom = root.layer(stack, "mine")

    for wrong in (("nodejs-app", "lb"), ("ecs-cluster", "php-app")):
        with pytest.raises(ValidationException, match="cannot be in layers"):
            root.instance(stack, *(layers[each] for each in wrong))
    for layer in layers.values():
        root.instance(stack, layer, custom)


def test_02_14_and_03_13_a_running_instance_is_not_changed(root: Caller) -> None:
    stack = root.stack()
    layer, more = root.layer(stack), root.layer(stack, "more")
    instance = root.instance(stack, layer)

    root("UpdateInstance", InstanceId=instance, LayerIds=[layer, more], InstanceType="large")
    root.bring_online(instance)
    for change in ({"LayerIds": [layer]}, {"InstanceType": "huge"}):
        with pytest.raises(ValidationException, match="is online: please stop it"):
            root("UpdateInstance", InstanceId=instance, **change)
    root("UpdateInstance", InstanceId=instance, AgentVersion="0.1.0", InstallUpdatesOnBoot=False)

    now = shown(root, instance)
    assert (now["LayerIds"], now["InstanceType"]) == ([layer, more], "large")
    assert (now["AgentVersion"], now["InstallUpdatesOnBoot"]) == ("0.1.0", False)


def test_03_14_the_os_changes_on_disposable_instances_only(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    kept = root.instance(stack, layer)
    disposable = root.instance(stack, layer, RootDeviceType="instance-store")

    root("UpdateInstance", InstanceId=disposable, Os="Debian 12")

    assert shown(root, disposable)["Os"] == "Debian 12"
    with pytest.raises(ValidationException, match="ebs"):
        root("UpdateInstance", InstanceId=kept, Os="Debian 12")
    with pytest.raises(ValidationException, match="does not go with the stack"):
        root("UpdateInstance", InstanceId=disposable, Os=WINDOWS)


def test_03_15_host_names_are_unique_whatever_their_case_and_have_a_grammar(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    layer = root.layer(stack)
    root.instance(stack, layer, Hostname="Web1")

    with pytest.raises(ValidationException, match="web1 is taken"):
        root.instance(stack, layer, Hostname="wEB1")
    for bad in ("a" * 64, "-a", "a-", "a_b", "a.b"):
        with pytest.raises(ValidationException, match="is not allowed"):
            root.instance(stack, layer, Hostname=bad)
    other = root.stack()
    root.instance(other, root.layer(other), Hostname="web1")


def test_01_15_a_name_comes_from_the_theme_of_the_first_layer(root: Caller) -> None:
    stack = root.stack()
    a, b = root.layer(stack, "a.b_c"), root.layer(stack, "z")

    assert shown(root, root.instance(stack, a, b))["Hostname"] == "a-b-c1"


def test_03_17_a_windows_stack_has_no_load_based_instances(root: Caller) -> None:
    stack = root.stack(DefaultOs=WINDOWS)
    layer = root.layer(stack)

    with pytest.raises(ValidationException, match="load-based"):
        root.instance(stack, layer, AutoScalingType="load")
    instance = root.instance(stack, layer, AutoScalingType="timer", Hostname="a" * 15)
    root("UpdateInstance", InstanceId=instance, Hostname="b")
    with pytest.raises(ValidationException, match="1 to 15"):
        root.instance(stack, layer, Hostname="a" * 16)


def test_s_8_an_unsupported_system_starts_no_new_instance(root: Caller) -> None:
    stack = root.stack()

    with pytest.raises(ValidationException, match="no longer supported"):
        root.instance(stack, root.layer(stack), Os="Ubuntu 14.04 LTS")


def test_03_40_and_ruling_6_exactly_one_selector(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    root.instance(stack, layer)

    for selectors in ({}, {"StackId": stack, "LayerId": layer}):
        with pytest.raises(ValidationException, match="StackId or LayerId or one or more InstanceIds"):
            root("DescribeInstances", **selectors)
    with pytest.raises(ResourceNotFoundException, match="nobody"):
        root("DescribeInstances", InstanceIds=["nobody"])
    assert len(root("DescribeInstances", LayerId=layer)["Instances"]) == 1


# -- power ---------------------------------------------------------------------------------------------------------


def test_03_3_and_09_18_a_start_has_left_stopped_before_it_returns(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))

    root("StartInstance", InstanceId=instance)

    assert root.status(instance) == "requested"
    root("StartInstance", InstanceId=instance)
    assert root.status(instance) == "requested"


def test_03_8_a_stop_runs_shutdown_and_leaves_service_at_once(root: Caller) -> None:
    from toque_server.store import configures

    stack = root.stack()
    slow = {"LifecycleEventConfiguration": {"Shutdown": {"ExecutionTimeout": 300}}}
    instance = root.instance(stack, root.layer(stack, "a"), root.layer(stack, "b", **slow))
    root.bring_online(instance)

    root("StopInstance", InstanceId=instance)

    assert root.status(instance) == "shutting_down"
    [command] = root("DescribeCommands", InstanceId=instance)["Commands"]
    assert (command["Type"], command["Status"]) == ("shutdown", "pending")
    with root.services.database.read() as conn:
        assert configures.get(conn, stack) is not None
    root("StopInstance", InstanceId=instance)
    assert len(root("DescribeCommands", InstanceId=instance)["Commands"]) == 1


def test_09_19_a_stop_leaves_setup_failed_before_it_returns(root: Caller) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    root.bring(instance, Status.REQUESTED, Status.PENDING, Status.BOOTING, Status.RUNNING_SETUP, Status.SETUP_FAILED)

    root("StopInstance", InstanceId=instance)

    assert root.status(instance) == "shutting_down"


@pytest.mark.parametrize(("root_device", "after"), [("ebs", "stopping"), ("instance-store", "terminating")])
def test_i_11_what_has_no_agent_yet_stops_without_shutdown(root: Caller, root_device: str, after: str) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack), RootDeviceType=root_device)
    root.bring(instance, Status.REQUESTED, Status.PENDING, Status.BOOTING)

    root("StopInstance", InstanceId=instance)

    assert root.status(instance) == after
    assert root("DescribeCommands", InstanceId=instance)["Commands"] == []


def test_i_9_force_forgets_the_machine_of_a_persistent_instance(root: Caller) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    root.bring_online(instance)

    root("StopInstance", InstanceId=instance, Force=True)

    assert root.status(instance) == "stopped"
    assert "Ec2InstanceId" not in shown(root, instance)


def test_03_10_a_reboot_makes_no_command(root: Caller) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    with pytest.raises(ValidationException, match="cannot reboot .*: it is stopped"):
        root("RebootInstance", InstanceId=instance)
    root.bring_online(instance)

    root("RebootInstance", InstanceId=instance)

    assert root.status(instance) == "rebooting"
    assert root("DescribeCommands", InstanceId=instance)["Commands"] == []


def test_03_11_and_09_20_only_a_stopped_instance_is_deleted_and_then_it_is_not_found(root_on_either: Caller) -> None:
    from toque_server.store import leftovers

    root = root_on_either
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    root.bring_online(instance)
    with pytest.raises(ValidationException, match="please stop it"):
        root("DeleteInstance", InstanceId=instance)
    root.bring(instance, Status.STOPPING, Status.STOPPED, machine_id="m-9")

    root("DeleteInstance", InstanceId=instance)

    with pytest.raises(ResourceNotFoundException, match=instance):
        root("DescribeInstances", InstanceIds=[instance])
    with root.services.database.read() as conn:
        [left] = leftovers.every(conn)
    assert (left.instance.machine_id, left.region) == ("m-9", "local")


@pytest.mark.parametrize("kind", ["timer", "load"])
def test_03_16_instances_of_a_scaler_are_not_started_by_hand(root: Caller, kind: str) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack), AutoScalingType=kind)

    with pytest.raises(ValidationException, match="managed by scaling"):
        root("StartInstance", InstanceId=instance)


def test_s_9_windows_instances_are_not_started(root: Caller) -> None:
    stack = root.stack(DefaultOs=WINDOWS)
    instance = root.instance(stack, root.layer(stack))

    with pytest.raises(ValidationException, match="does not start Windows"):
        root("StartInstance", InstanceId=instance)


def test_01_29_a_stack_starts_and_stops_its_24_7_instances(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    plain, *scaled = (root.instance(stack, layer, AutoScalingType=scaling) for scaling in (None, "timer", "load"))

    root("StartStack", StackId=stack)
    root("StartStack", StackId=stack)

    assert [root.status(each) for each in (plain, *scaled)] == ["requested", "stopped", "stopped"]
    root.bring(plain, Status.PENDING, Status.BOOTING, Status.RUNNING_SETUP, Status.ONLINE)
    root("StopStack", StackId=stack)
    root("StopStack", StackId=stack)
    assert [root.status(each) for each in (plain, *scaled)] == ["shutting_down", "stopped", "stopped"]


def test_h11_an_administrator_heals_a_named_instance(root: Caller) -> None:
    from toque_server.store import heals

    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    with pytest.raises(ValidationException, match="is stopped: only an instance that should be up is healed"):
        root("HealInstance", InstanceId=instance)
    root.bring_online(instance)

    root("HealInstance", InstanceId=instance)

    assert root.status(instance) == "stopping"
    with root.services.database.read() as conn:
        [heal] = heals.of_instance(conn, instance)
    assert (heal.by, heal.ended_at) == (root.principal.arn, None)
    with pytest.raises(ValidationException, match="only an instance that should be up"):
        root("HealInstance", InstanceId=instance)
    root("StopInstance", InstanceId=instance)
    with root.services.database.read() as conn:
        [heal] = heals.of_instance(conn, instance)
    assert heal.outcome == "cancelled"


def test_03_39_an_on_premises_node_is_left_alone(root: Caller) -> None:
    import sqlalchemy as sa

    from toque_server.store.tables import instances

    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    with root.services.database.write() as conn:
        conn.execute(sa.update(instances).values(infrastructure_class="on-premises", provider="", status="registered"))

    for operation in ("StartInstance", "StopInstance", "RebootInstance", "UpdateInstance", "DeleteInstance"):
        with pytest.raises(ValidationException):
            root(operation, InstanceId=instance)
    root("StopStack", StackId=stack)
    assert root.status(instance) == "registered"


def test_a_swap_of_what_has_changed_meanwhile_writes_nothing(root_on_either: Caller) -> None:
    from msgspec.structs import replace

    from toque_server.domain.instance import move
    from toque_server.store import instances

    root = root_on_either
    stack = root.stack()
    id = root.instance(stack, root.layer(stack))
    with root.services.database.write() as conn:
        now = root.services.database.now(conn)
        seen = instances.get(conn, id)
        assert seen is not None
        moved = replace(move(seen, Status.REQUESTED, at=now), start_id="s")

        assert instances.swap(conn, seen, moved)
        assert not instances.swap(conn, seen, moved)
        assert instances.get(conn, id) == moved
