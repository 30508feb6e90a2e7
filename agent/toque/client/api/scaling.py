"""Operations on scaling. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    AutoScalingThresholds,
    DescribeLoadBasedAutoScalingResult,
    DescribeTimeBasedAutoScalingResult,
    Schedule,
)
from toque.client.calling import OPSWORKS, Calls


class ScalingCalls(Calls):
    """Operations on scaling."""

    def describe_load_based_auto_scaling(
        self,
        *,
        layer_ids: Sequence[str],
    ) -> DescribeLoadBasedAutoScalingResult:
        """Describe the load thresholds of the named layers; a layer where none were set shows the defaults, disabled.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeLoadBasedAutoScaling", OPSWORKS, {"LayerIds": layer_ids}, DescribeLoadBasedAutoScalingResult, reads=True)

    def describe_time_based_auto_scaling(
        self,
        *,
        instance_ids: Sequence[str],
    ) -> DescribeTimeBasedAutoScalingResult:
        """Describe the schedules of the named instances; one without a schedule has an empty one.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeTimeBasedAutoScaling", OPSWORKS, {"InstanceIds": instance_ids}, DescribeTimeBasedAutoScalingResult, reads=True)

    def set_load_based_auto_scaling(
        self,
        *,
        layer_id: str,
        enable: bool | None = None,
        up_scaling: AutoScalingThresholds | None = None,
        down_scaling: AutoScalingThresholds | None = None,
    ) -> None:
        """Say when a layer's load-based instances are started and stopped; members that are not sent keep their value.

        A threshold of -1 is not looked at. While it is enabled, each threshold for starting must lie above the one for
        stopping. Disabling leaves running instances running.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("SetLoadBasedAutoScaling", OPSWORKS, {"LayerId": layer_id, "Enable": enable, "UpScaling": up_scaling, "DownScaling": down_scaling}, reads=False)

    def set_time_based_auto_scaling(
        self,
        *,
        instance_id: str,
        auto_scaling_schedule: Schedule | None = None,
    ) -> None:
        """Say in which hours of the week (UTC) a time-based instance is up; an hour never named is off.

        What is sent is laid over the schedule that is there, hour by hour: `{"Monday": {"10": "on", "11": "off"}}`.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("SetTimeBasedAutoScaling", OPSWORKS, {"InstanceId": instance_id, "AutoScalingSchedule": auto_scaling_schedule}, reads=False)
