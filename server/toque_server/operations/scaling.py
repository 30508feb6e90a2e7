"""When instances of a scaler run: schedules per instance, load thresholds per layer (chapter 03 §§ 10 and 11)."""

from __future__ import annotations

import msgspec

from toque_server.domain.instance_details import InstanceDetails
from toque_server.domain.load_scaling import AutoScalingThresholds, changed
from toque_server.domain.schedule import Schedule, merge
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import instances, layers

_RAISES = (ValidationException, ResourceNotFoundException)


class SetTimeBasedAutoScaling(Request, frozen=True, kw_only=True):
    instance_id: str
    auto_scaling_schedule: Schedule | None = None


class DescribeTimeBasedAutoScaling(Request, frozen=True, kw_only=True):
    instance_ids: list[str]


class TimeBasedAutoScalingConfiguration(Result, frozen=True, kw_only=True):
    """Only the hours that were ever set are shown; those set to off as `off`."""

    instance_id: str
    auto_scaling_schedule: Schedule


class TimeBasedAutoScalingDescribed(Result, frozen=True, kw_only=True):
    time_based_auto_scaling_configurations: list[TimeBasedAutoScalingConfiguration]


class SetLoadBasedAutoScaling(Request, frozen=True, kw_only=True):
    layer_id: str
    enable: bool | None = None
    up_scaling: AutoScalingThresholds | None = None
    down_scaling: AutoScalingThresholds | None = None


class DescribeLoadBasedAutoScaling(Request, frozen=True, kw_only=True):
    layer_ids: list[str]


class LoadBasedAutoScalingConfiguration(Result, frozen=True, kw_only=True):
    """Thresholds that were never set are not shown."""

    layer_id: str
    enable: bool
    up_scaling: AutoScalingThresholds
    down_scaling: AutoScalingThresholds


class LoadBasedAutoScalingDescribed(Result, frozen=True, kw_only=True):
    load_based_auto_scaling_configurations: list[LoadBasedAutoScalingConfiguration]


@operation(permission=Permission.MANAGE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES)
def set_time_based_auto_scaling(ctx: Context, req: SetTimeBasedAutoScaling) -> None:
    """Say in which hours of the week (UTC) a time-based instance is up; an hour never named is off.

    What is sent is laid over the schedule that is there, hour by hour: `{"Monday": {"10": "on", "11": "off"}}`.
    """
    instances.held(ctx.conn, [req.instance_id])
    seen = finding.instance(ctx, req.instance_id)
    if seen.scaling != "timer":
        raise ValidationException(
            f"{seen.hostname} is not a time-based instance: please stop it and set its AutoScalingType to timer",
            field="InstanceId",
        )
    details = _details(ctx, seen.id)
    schedule = merge(details.schedule, req.auto_scaling_schedule or Schedule())
    instances.set_details(ctx.conn, seen, msgspec.structs.replace(details, schedule=schedule))


@operation(permission=Permission.SHOW, stack=finding.one_of(instance_ids="instance"), raises=_RAISES)
def describe_time_based_auto_scaling(ctx: Context, req: DescribeTimeBasedAutoScaling) -> TimeBasedAutoScalingDescribed:
    """Describe the schedules of the named instances; one without a schedule has an empty one."""
    found = instances.by_ids(ctx.conn, req.instance_ids)
    details = instances.details(ctx.conn, req.instance_ids)
    return TimeBasedAutoScalingDescribed(
        time_based_auto_scaling_configurations=[
            TimeBasedAutoScalingConfiguration(instance_id=id, auto_scaling_schedule=details[id].schedule)
            for id in found
        ]
    )


@operation(permission=Permission.MANAGE, stack=finding.stack_of("layer", "layer_id"), raises=_RAISES)
def set_load_based_auto_scaling(ctx: Context, req: SetLoadBasedAutoScaling) -> None:
    """Say when a layer's load-based instances are started and stopped; members that are not sent keep their value.

    A threshold of -1 is not looked at. While it is enabled, each threshold for starting must lie above the one for
    stopping. Disabling leaves running instances running.
    """
    layers.lock(ctx.conn, req.layer_id)
    layer = finding.layer(ctx, req.layer_id)
    if finding.stack(ctx, layer.stack_id).is_windows:
        raise ValidationException("a Windows stack has no load-based instances", field="LayerId")
    scaling = changed(layer.load_scaling, enable=req.enable, up=req.up_scaling, down=req.down_scaling)
    secrets = layers.secrets(ctx.conn, ctx.vault, [layer.id])[layer.id]
    layers.update(ctx.conn, ctx.vault, msgspec.structs.replace(layer, load_scaling=scaling), secrets)


@operation(permission=Permission.SHOW, stack=finding.one_of(layer_ids="layer"), raises=_RAISES)
def describe_load_based_auto_scaling(ctx: Context, req: DescribeLoadBasedAutoScaling) -> LoadBasedAutoScalingDescribed:
    """Describe the load thresholds of the named layers; a layer where none were set shows the defaults, disabled."""
    return LoadBasedAutoScalingDescribed(
        load_based_auto_scaling_configurations=[
            LoadBasedAutoScalingConfiguration(
                layer_id=each.id,
                enable=each.load_scaling.enabled,
                up_scaling=each.load_scaling.up,
                down_scaling=each.load_scaling.down,
            )
            for each in layers.by_ids(ctx.conn, req.layer_ids).values()
        ]
    )


def _details(ctx: Context, id: str) -> InstanceDetails:
    return instances.details(ctx.conn, [id])[id]
