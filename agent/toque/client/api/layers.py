"""Operations on layers. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toque.client.structures import (
    CloudWatchLogsConfiguration,
    CreateLayerResult,
    DescribeLayersResult,
    LifecycleEventConfiguration,
    Recipes,
    VolumeConfiguration,
)
from toque.client.calling import OPSWORKS, Calls


class LayersCalls(Calls):
    """Operations on layers."""

    def create_layer(
        self,
        *,
        stack_id: str,
        type: str,
        name: str,
        shortname: str,
        attributes: Mapping[str, str | None] | None = None,
        cloud_watch_logs_configuration: CloudWatchLogsConfiguration | None = None,
        custom_instance_profile_arn: str | None = None,
        custom_json: str | None = None,
        custom_security_group_ids: Sequence[str] | None = None,
        packages: Sequence[str] | None = None,
        volume_configurations: Sequence[VolumeConfiguration] | None = None,
        enable_auto_healing: bool | None = None,
        auto_assign_elastic_ips: bool | None = None,
        auto_assign_public_ips: bool | None = None,
        custom_recipes: Recipes | None = None,
        install_updates_on_boot: bool | None = None,
        use_ebs_optimized_instances: bool | None = None,
        lifecycle_event_configuration: LifecycleEventConfiguration | None = None,
    ) -> CreateLayerResult:
        """Add a layer to a stack.

        `custom` layers run your recipes alone and may be many; of each built-in type there is one per stack, under the
        type's own short name.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("CreateLayer", OPSWORKS, {"Attributes": attributes, "CloudWatchLogsConfiguration": cloud_watch_logs_configuration, "CustomInstanceProfileArn": custom_instance_profile_arn, "CustomJson": custom_json, "CustomSecurityGroupIds": custom_security_group_ids, "Packages": packages, "VolumeConfigurations": volume_configurations, "EnableAutoHealing": enable_auto_healing, "AutoAssignElasticIps": auto_assign_elastic_ips, "AutoAssignPublicIps": auto_assign_public_ips, "CustomRecipes": custom_recipes, "InstallUpdatesOnBoot": install_updates_on_boot, "UseEbsOptimizedInstances": use_ebs_optimized_instances, "LifecycleEventConfiguration": lifecycle_event_configuration, "StackId": stack_id, "Type": type, "Name": name, "Shortname": shortname}, CreateLayerResult, reads=False)

    def delete_layer(
        self,
        *,
        layer_id: str,
    ) -> None:
        """Delete a layer that has no instances any more; a registered machine is unassigned first.

        Its load balancer is detached, and stays what it is.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteLayer", OPSWORKS, {"LayerId": layer_id}, reads=False)

    def describe_layers(
        self,
        *,
        stack_id: str | None = None,
        layer_ids: Sequence[str] | None = None,
    ) -> DescribeLayersResult:
        """Describe the layers of a stack, or the named ones.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeLayers", OPSWORKS, {"StackId": stack_id, "LayerIds": layer_ids}, DescribeLayersResult, reads=True)

    def update_layer(
        self,
        *,
        layer_id: str,
        attributes: Mapping[str, str | None] | None = None,
        cloud_watch_logs_configuration: CloudWatchLogsConfiguration | None = None,
        custom_instance_profile_arn: str | None = None,
        custom_json: str | None = None,
        custom_security_group_ids: Sequence[str] | None = None,
        packages: Sequence[str] | None = None,
        volume_configurations: Sequence[VolumeConfiguration] | None = None,
        enable_auto_healing: bool | None = None,
        auto_assign_elastic_ips: bool | None = None,
        auto_assign_public_ips: bool | None = None,
        custom_recipes: Recipes | None = None,
        install_updates_on_boot: bool | None = None,
        use_ebs_optimized_instances: bool | None = None,
        lifecycle_event_configuration: LifecycleEventConfiguration | None = None,
        name: str | None = None,
        shortname: str | None = None,
    ) -> None:
        """Change a layer. Members that are not sent stay; a list or object that is sent replaces the old one whole.

        `Attributes` are merged by key; null resets a key to its default. Volumes, groups and addresses are those of
        instances created afterwards; recipes and packages count from the next event on.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateLayer", OPSWORKS, {"Attributes": attributes, "CloudWatchLogsConfiguration": cloud_watch_logs_configuration, "CustomInstanceProfileArn": custom_instance_profile_arn, "CustomJson": custom_json, "CustomSecurityGroupIds": custom_security_group_ids, "Packages": packages, "VolumeConfigurations": volume_configurations, "EnableAutoHealing": enable_auto_healing, "AutoAssignElasticIps": auto_assign_elastic_ips, "AutoAssignPublicIps": auto_assign_public_ips, "CustomRecipes": custom_recipes, "InstallUpdatesOnBoot": install_updates_on_boot, "UseEbsOptimizedInstances": use_ebs_optimized_instances, "LifecycleEventConfiguration": lifecycle_event_configuration, "LayerId": layer_id, "Name": name, "Shortname": shortname}, reads=False)
