"""Operations on clone. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toque.client.structures import (
    ChefConfiguration,
    CloneStackResult,
    ConfigurationManager,
    Source,
)
from toque.client.calling import OPSWORKS, Calls


class CloneCalls(Calls):
    """Operations on clone."""

    def clone_stack(
        self,
        *,
        source_stack_id: str,
        service_role_arn: str,
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
        region: str | None = None,
        vpc_id: str | None = None,
        default_instance_profile_arn: str | None = None,
        clone_permissions: bool | None = None,
        clone_app_ids: Sequence[str] | None = None,
    ) -> CloneStackResult:
        """Make a stack like another one: its settings, its layers, and the apps that are named.

        Copied: every setting of the stack that is not sent, its custom JSON and the credentials of its cookbooks; all
        layers under their short names, with recipes, volumes, groups, passwords and custom JSON; load-based scaling,
        switched off; the apps in `CloneAppIds`, with their secrets; tags; attributes and data bag items of what is copied.
        With `ClonePermissions` also who may do what. `Name` is the source's and "copy" where none is sent.

        Never copied: instances and what belongs to them; databases, load balancers, clusters, addresses and volumes, since
        each can be in one stack only (an app with such a database has the data source `None`); deployments and logs. In
        another `Region` or `VpcId`, zone, VPC and subnet of the source do not count either. The system stays of the same
        family, Linux or Windows, and the configuration manager of the same generation.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("CloneStack", OPSWORKS, {"Attributes": attributes, "DefaultOs": default_os, "HostnameTheme": hostname_theme, "DefaultAvailabilityZone": default_availability_zone, "DefaultSubnetId": default_subnet_id, "CustomJson": custom_json, "ConfigurationManager": configuration_manager, "ChefConfiguration": chef_configuration, "UseCustomCookbooks": use_custom_cookbooks, "UseOpsworksSecurityGroups": use_opsworks_security_groups, "CustomCookbooksSource": custom_cookbooks_source, "DefaultSshKeyName": default_ssh_key_name, "DefaultRootDeviceType": default_root_device_type, "AgentVersion": agent_version, "SourceStackId": source_stack_id, "Name": name, "Region": region, "VpcId": vpc_id, "ServiceRoleArn": service_role_arn, "DefaultInstanceProfileArn": default_instance_profile_arn, "ClonePermissions": clone_permissions, "CloneAppIds": clone_app_ids}, CloneStackResult, reads=False)
