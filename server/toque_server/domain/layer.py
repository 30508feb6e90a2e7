"""A layer: its record, its types, and what a request may make of it (chapter 02)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import combinations
from typing import Final

import msgspec

from toque_server.domain.custom_json import parse
from toque_server.domain.invalid import Invalid
from toque_server.domain.layer_kinds import KINDS, Kind
from toque_server.domain.layer_types import Event
from toque_server.domain.load_scaling import LoadScaling
from toque_server.domain.log_streams import CloudWatchLogsConfiguration
from toque_server.domain.log_streams import check as check_log_streams
from toque_server.domain.shortname import check_layer_shortname
from toque_server.domain.stack import Stack, check_arn, check_name
from toque_server.domain.volume_configuration import VolumeConfiguration
from toque_server.domain.volume_configuration import check as check_volumes

CUSTOM: Final = "custom"
SHUTDOWN_TIMEOUT: Final = 120
MAX_SHUTDOWN_TIMEOUT: Final = 7200

_RECIPE = re.compile(r"[A-Za-z0-9_-]+(::[A-Za-z0-9_.-]+)?")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:~/=*-]{0,199}")


class Recipes(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """Recipe names per event; answers always show all five lists."""

    setup: tuple[str, ...] = ()
    configure: tuple[str, ...] = ()
    deploy: tuple[str, ...] = ()
    undeploy: tuple[str, ...] = ()
    shutdown: tuple[str, ...] = ()

    def by_event(self) -> dict[str, tuple[str, ...]]:
        """The lists by the events' names, as `runlist.LayerRecipes` wants them."""
        return {event.value: getattr(self, event.value.lower()) for event in Event}


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a layer that may be shown. Its secrets are `LayerSecrets`."""

    id: str
    stack_id: str
    type: str
    name: str
    shortname: str
    created_at: datetime
    attributes: dict[str, str] = {}
    cloud_watch_logs_configuration: CloudWatchLogsConfiguration | None = None
    custom_instance_profile_arn: str | None = None
    custom_security_group_ids: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    volume_configurations: tuple[VolumeConfiguration, ...] = ()
    enable_auto_healing: bool = True
    auto_assign_elastic_ips: bool = False
    auto_assign_public_ips: bool = True
    custom_recipes: Recipes = Recipes()
    install_updates_on_boot: bool = True
    use_ebs_optimized_instances: bool = False
    shutdown_timeout: int = SHUTDOWN_TIMEOUT
    """Seconds that a stopping instance gives its Shutdown recipes (L-14)."""
    delay_until_elb_connections_drained: bool = True
    tags: dict[str, str] = {}
    """Its own; `tags.effective` adds those that it inherits."""
    load_scaling: LoadScaling = LoadScaling()

    @property
    def kind(self) -> Kind:
        return KINDS[self.type]


class LayerSecrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a layer is stored sealed: custom JSON, and the attributes that are passwords."""

    custom_json: str | None = None
    attributes: dict[str, str] = {}


def kind_of(name: str) -> Kind:
    try:
        return KINDS[name]
    except KeyError:
        raise Invalid(f"Type {name!r} is unknown: please use one of {', '.join(KINDS)}") from None


def shortname_for(type: Kind, wanted: str) -> str:
    """Built-in types have their own short name whatever is sent (L-6)."""
    if type.name != CUSTOM:
        return type.name
    check_layer_shortname(wanted)
    if wanted in KINDS:
        raise Invalid(f"Shortname {wanted!r} is the name of a built-in layer type: please choose another")
    return wanted


def check(stack: Stack, layer: Layer, secrets: LayerSecrets) -> None:
    """Raise Invalid for a layer that this stack may not have as it would be stored."""
    check_name(layer.name, longest=32)
    for key in layer.kind.required_attributes:
        if not (layer.attributes.get(key) or secrets.attributes.get(key)):
            raise Invalid(f"Attributes.{key} is missing: a layer of type {layer.type} needs it")
    if secrets.custom_json is not None:
        parse(secrets.custom_json)
    if layer.custom_instance_profile_arn:
        check_arn(layer.custom_instance_profile_arn, "CustomInstanceProfileArn")
    _check_groups(stack, layer)
    for event, recipes in layer.custom_recipes.by_event().items():
        check_recipes(recipes, f"CustomRecipes.{event}")
    for package in layer.packages:
        if not _PACKAGE.fullmatch(package):
            raise Invalid(f"Packages: {package!r} is not the name of a package")
    if not 0 <= layer.shutdown_timeout <= MAX_SHUTDOWN_TIMEOUT:
        raise Invalid(
            f"LifecycleEventConfiguration.Shutdown.ExecutionTimeout must be 0 to {MAX_SHUTDOWN_TIMEOUT} seconds,"
            f" not {layer.shutdown_timeout}"
        )
    check_volumes(layer.volume_configurations)
    if layer.cloud_watch_logs_configuration is not None:
        check_log_streams(layer.cloud_watch_logs_configuration)
    if stack.is_windows:
        _check_windows(layer)


def _check_groups(stack: Stack, layer: Layer) -> None:
    for group in layer.custom_security_group_ids:
        if not group.strip() or len(group) > 255 or not group.isprintable():
            raise Invalid(f"CustomSecurityGroupIds: {group!r} is not the id of a security group")
    if not stack.use_opsworks_security_groups and not layer.custom_security_group_ids:
        raise Invalid(
            "CustomSecurityGroupIds is missing: the stack's built-in groups are off, so each layer needs its own"
        )


def _check_windows(layer: Layer) -> None:
    if layer.type != CUSTOM:
        raise Invalid(f"Type {layer.type} is not for a Windows stack: it has custom layers only")
    if layer.volume_configurations:
        raise Invalid("VolumeConfigurations are not for a Windows stack: its instances have their root disk only")
    if (logs := layer.cloud_watch_logs_configuration) is not None and logs.enabled:
        raise Invalid("CloudWatchLogsConfiguration cannot be enabled in a Windows stack")


def check_recipes(names: Iterable[str], member: str) -> None:
    """Recipe names are checked by form; whether a recipe exists shows when it runs (L-9)."""
    for name in names:
        if not _RECIPE.fullmatch(name):
            raise Invalid(f"{member}: {name!r} is not a recipe name: please write cookbook::recipe")


def check_own_groups(layers: Iterable[Layer]) -> None:
    """Raise Invalid when the built-in security groups cannot be off, since a layer would have none (01 § 4)."""
    if bare := [each.name for each in layers if not each.custom_security_group_ids]:
        raise Invalid(
            "UseOpsworksSecurityGroups cannot be off while these layers have no security group of their own:"
            f" {', '.join(bare)}"
        )


def check_together(layers: Iterable[Layer]) -> None:
    """Raise Invalid when one instance cannot be in all of these layers (02 § 2.1, L-2; mount points by L-13)."""
    chosen = list(layers)
    for one, other in combinations(chosen, 2):
        if one.type == other.type != CUSTOM or not compatible(one.type, other.type):
            raise Invalid(f"an instance cannot be in layers {one.name} ({one.type}) and {other.name} ({other.type})")
    seen: dict[str, Layer] = {}
    for layer in chosen:
        for volume in layer.volume_configurations:
            if (first := seen.setdefault(volume.mount_point, layer)) is not layer:
                raise Invalid(f"layers {first.name} and {layer.name} both have a volume at {volume.mount_point}")


def compatible(one: str, other: str) -> bool:
    """Two types may share an instance if either lists the other; `custom` goes with every type (L-2)."""
    return CUSTOM in (one, other) or other in KINDS[one].compatible or one in KINDS[other].compatible
