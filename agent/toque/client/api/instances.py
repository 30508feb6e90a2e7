"""Operations on instances. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    BlockDeviceMapping,
    CreateInstanceResult,
    DescribeInstancesResult,
    GetHostnameSuggestionResult,
)
from toque.client.calling import OPSWORKS, Calls


class InstancesCalls(Calls):
    """Operations on instances."""

    def create_instance(
        self,
        *,
        stack_id: str,
        layer_ids: Sequence[str],
        instance_type: str,
        auto_scaling_type: str | None = None,
        hostname: str | None = None,
        os: str | None = None,
        ami_id: str | None = None,
        ssh_key_name: str | None = None,
        availability_zone: str | None = None,
        virtualization_type: str | None = None,
        subnet_id: str | None = None,
        architecture: str | None = None,
        root_device_type: str | None = None,
        block_device_mappings: Sequence[BlockDeviceMapping] | None = None,
        install_updates_on_boot: bool | None = None,
        ebs_optimized: bool | None = None,
        agent_version: str | None = None,
        tenancy: str | None = None,
    ) -> CreateInstanceResult:
        """Add an instance to one or more layers of a stack. It is a record, `stopped`, until it is started.

        Without `Hostname` it gets the stack's theme's next name for its first layer. `RootDeviceType` `ebs` keeps its disk
        when it is stopped, `instance-store` loses it.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("CreateInstance", OPSWORKS, {"StackId": stack_id, "LayerIds": layer_ids, "InstanceType": instance_type, "AutoScalingType": auto_scaling_type, "Hostname": hostname, "Os": os, "AmiId": ami_id, "SshKeyName": ssh_key_name, "AvailabilityZone": availability_zone, "VirtualizationType": virtualization_type, "SubnetId": subnet_id, "Architecture": architecture, "RootDeviceType": root_device_type, "BlockDeviceMappings": block_device_mappings, "InstallUpdatesOnBoot": install_updates_on_boot, "EbsOptimized": ebs_optimized, "AgentVersion": agent_version, "Tenancy": tenancy}, CreateInstanceResult, reads=False)

    def describe_instances(
        self,
        *,
        stack_id: str | None = None,
        layer_id: str | None = None,
        instance_ids: Sequence[str] | None = None,
    ) -> DescribeInstancesResult:
        """Describe the instances of a stack, of a layer, or the named ones.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeInstances", OPSWORKS, {"StackId": stack_id, "LayerId": layer_id, "InstanceIds": instance_ids}, DescribeInstancesResult, reads=True)

    def get_hostname_suggestion(
        self,
        *,
        layer_id: str,
    ) -> GetHostnameSuggestionResult:
        """The host name that the stack's theme gives the layer's next instance; nothing is reserved.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("GetHostnameSuggestion", OPSWORKS, {"LayerId": layer_id}, GetHostnameSuggestionResult, reads=True)

    def update_instance(
        self,
        *,
        instance_id: str,
        layer_ids: Sequence[str] | None = None,
        instance_type: str | None = None,
        auto_scaling_type: str | None = None,
        hostname: str | None = None,
        os: str | None = None,
        ami_id: str | None = None,
        ssh_key_name: str | None = None,
        architecture: str | None = None,
        install_updates_on_boot: bool | None = None,
        ebs_optimized: bool | None = None,
        agent_version: str | None = None,
    ) -> None:
        """Change an instance that is stopped. Its agent version and boot updates may be changed at any time.

        What is sent as it is already counts as not sent. The schedule of a time-based instance ends with that type.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateInstance", OPSWORKS, {"InstanceId": instance_id, "LayerIds": layer_ids, "InstanceType": instance_type, "AutoScalingType": auto_scaling_type, "Hostname": hostname, "Os": os, "AmiId": ami_id, "SshKeyName": ssh_key_name, "Architecture": architecture, "InstallUpdatesOnBoot": install_updates_on_boot, "EbsOptimized": ebs_optimized, "AgentVersion": agent_version}, reads=False)
