"""Operations on stacks. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toque.client.structures import (
    ChefConfiguration,
    ConfigurationManager,
    CreateStackResult,
    DescribeStackSummaryResult,
    DescribeStacksResult,
    Source,
)
from toque.client.calling import OPSWORKS, Calls


class StacksCalls(Calls):
    """Operations on stacks."""

    def create_stack(
        self,
        *,
        name: str,
        region: str,
        service_role_arn: str,
        default_instance_profile_arn: str,
        attributes: Mapping[str, str | None] | None = None,
        default_os: str | None = None,
        hostname_theme: str | None = None,
        default_availability_zone: str | None = None,
        default_subnet_id: str | None = None,
        custom_json: str | None = None,
        configuration_manager: ConfigurationManager | None = None,
        chef_configuration: ChefConfiguration | None = None,
        use_custom_cookbooks: bool | None = None,
        use_opsworks_security_groups: bool | None = None,
        custom_cookbooks_source: Source | None = None,
        default_ssh_key_name: str | None = None,
        default_root_device_type: str | None = None,
        agent_version: str | None = None,
        vpc_id: str | None = None,
    ) -> CreateStackResult:
        """Create a stack. Its region picks the provider of its instances, and neither ever changes.

        The service role and the instance profile are kept for OpsWorks clients; any ARN will do where no cloud is behind
        the region.

        Raises ValidationException.
        """
        return self._ask("CreateStack", OPSWORKS, {"Attributes": attributes, "DefaultOs": default_os, "HostnameTheme": hostname_theme, "DefaultAvailabilityZone": default_availability_zone, "DefaultSubnetId": default_subnet_id, "CustomJson": custom_json, "ConfigurationManager": configuration_manager, "ChefConfiguration": chef_configuration, "UseCustomCookbooks": use_custom_cookbooks, "UseOpsworksSecurityGroups": use_opsworks_security_groups, "CustomCookbooksSource": custom_cookbooks_source, "DefaultSshKeyName": default_ssh_key_name, "DefaultRootDeviceType": default_root_device_type, "AgentVersion": agent_version, "Name": name, "Region": region, "VpcId": vpc_id, "ServiceRoleArn": service_role_arn, "DefaultInstanceProfileArn": default_instance_profile_arn}, CreateStackResult, reads=False)

    def delete_stack(
        self,
        *,
        stack_id: str,
    ) -> None:
        """Delete a stack that has no instances, layers and apps any more; its permissions and history go with it.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteStack", OPSWORKS, {"StackId": stack_id}, reads=False)

    def describe_stack_summary(
        self,
        *,
        stack_id: str,
    ) -> DescribeStackSummaryResult:
        """Count a stack's layers and apps, and its instances by status.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeStackSummary", OPSWORKS, {"StackId": stack_id}, DescribeStackSummaryResult, reads=True)

    def describe_stacks(
        self,
        *,
        stack_ids: Sequence[str] | None = None,
    ) -> DescribeStacksResult:
        """Describe the named stacks, or without ids every stack that the caller may see.

        Whose access comes from policies for certain stacks has to name them.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeStacks", OPSWORKS, {"StackIds": stack_ids}, DescribeStacksResult, reads=True)

    def update_stack(
        self,
        *,
        stack_id: str,
        attributes: Mapping[str, str | None] | None = None,
        default_os: str | None = None,
        hostname_theme: str | None = None,
        default_availability_zone: str | None = None,
        default_subnet_id: str | None = None,
        custom_json: str | None = None,
        configuration_manager: ConfigurationManager | None = None,
        chef_configuration: ChefConfiguration | None = None,
        use_custom_cookbooks: bool | None = None,
        use_opsworks_security_groups: bool | None = None,
        custom_cookbooks_source: Source | None = None,
        default_ssh_key_name: str | None = None,
        default_root_device_type: str | None = None,
        agent_version: str | None = None,
        name: str | None = None,
        service_role_arn: str | None = None,
        default_instance_profile_arn: str | None = None,
    ) -> None:
        """Change a stack's settings; members that are not sent keep their value.

        New defaults count for instances created afterwards. A secret sent back as `*****FILTERED*****` stays what it is.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateStack", OPSWORKS, {"Attributes": attributes, "DefaultOs": default_os, "HostnameTheme": hostname_theme, "DefaultAvailabilityZone": default_availability_zone, "DefaultSubnetId": default_subnet_id, "CustomJson": custom_json, "ConfigurationManager": configuration_manager, "ChefConfiguration": chef_configuration, "UseCustomCookbooks": use_custom_cookbooks, "UseOpsworksSecurityGroups": use_opsworks_security_groups, "CustomCookbooksSource": custom_cookbooks_source, "DefaultSshKeyName": default_ssh_key_name, "DefaultRootDeviceType": default_root_device_type, "AgentVersion": agent_version, "StackId": stack_id, "Name": name, "ServiceRoleArn": service_role_arn, "DefaultInstanceProfileArn": default_instance_profile_arn}, reads=False)
