"""A stack: its record, its defaults, and what a request may make of it (chapter 01)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from toque_server.domain.custom_json import parse
from toque_server.domain.hostname import LAYER_DEPENDENT, check_theme
from toque_server.domain.invalid import Invalid
from toque_server.domain.operating_systems import DEFAULT_OS, PROFILES, family_of
from toque_server.domain.source import Source, SourceSecrets, join
from toque_server.domain.source import check as check_source

ROOT_DEVICES: Final = ("ebs", "instance-store")
ATTRIBUTE_KEYS: Final = ("Color",)
LATEST: Final = "LATEST"

_VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,63}")


class ConfigurationManager(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    name: str | None = None
    version: str | None = None


class ChefConfiguration(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    manage_berkshelf: bool | None = None
    berkshelf_version: str | None = None


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a stack that may be shown. Its secrets are `StackSecrets`."""

    id: str
    name: str
    slug: str
    region: str
    created_at: datetime
    change: int = 0
    cookbook_digest: str | None = None
    service_role_arn: str
    default_instance_profile_arn: str
    vpc_id: str | None = None
    default_subnet_id: str | None = None
    default_availability_zone: str | None = None
    default_os: str = DEFAULT_OS
    default_root_device_type: str = "ebs"
    default_ssh_key_name: str | None = None
    hostname_theme: str = LAYER_DEPENDENT
    configuration_manager: ConfigurationManager = ConfigurationManager("Chef", "12")
    chef_configuration: ChefConfiguration = ChefConfiguration()
    use_custom_cookbooks: bool = False
    custom_cookbooks_source: Source = Source()
    use_opsworks_security_groups: bool = True
    agent_version: str = LATEST
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    strict: bool = False
    """The level deploy runs only what others assigned (S18); see `domain.strict_mode`."""

    @property
    def is_windows(self) -> bool:
        return family_of(self.default_os) == "Windows"


class StackSecrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a stack is stored sealed."""

    custom_json: str | None = None
    source: SourceSecrets = SourceSecrets()


def check_name(name: str, *, longest: int = 64, member: str = "Name") -> str:
    """A display name: 1 to `longest` printable characters."""
    if not name.strip() or len(name) > longest or not name.isprintable():
        raise Invalid(f"{member} must have 1 to {longest} printable characters, not {len(name)}")
    return name


def check(stack: Stack, secrets: StackSecrets, *, allow_insecure: bool) -> None:
    """Raise Invalid for a stack that may not be stored as it would be."""
    check_name(stack.name)
    check_theme(stack.hostname_theme)
    _check_region(stack.region)
    check_arn(stack.service_role_arn, "ServiceRoleArn")
    check_arn(stack.default_instance_profile_arn, "DefaultInstanceProfileArn")
    if stack.default_root_device_type not in ROOT_DEVICES:
        raise Invalid(
            f"DefaultRootDeviceType {stack.default_root_device_type!r} is unknown: please use one of"
            f" {', '.join(ROOT_DEVICES)}"
        )
    if unknown := sorted(set(stack.attributes) - set(ATTRIBUTE_KEYS)):
        raise Invalid(f"Attributes has no key {unknown[0]!r}: the keys are {', '.join(ATTRIBUTE_KEYS)}")
    check_agent_version(stack.agent_version, LATEST)
    if stack.is_windows and stack.agent_version != LATEST:
        raise Invalid(f"AgentVersion must be {LATEST} in a Windows stack: it has no agent version to choose")
    _check_manager(stack)
    _check_network(stack)
    if secrets.custom_json is not None:
        parse(secrets.custom_json)
    _check_cookbooks(join(stack.custom_cookbooks_source, secrets.source), stack, allow_insecure=allow_insecure)


def check_agent_version(version: str, word: str) -> None:
    if version != word and not _VERSION.fullmatch(version):
        raise Invalid(f"AgentVersion {version!r} is neither {word} nor a version such as 0.1.0")


def check_arn(arn: str, member: str) -> None:
    if not re.fullmatch(r"arn:[\x21-\x7e]{1,250}", arn):
        raise Invalid(f"{member} {arn!r} is not an ARN: it begins with 'arn:'")


def check_change(old: Stack, new: Stack) -> None:
    """Raise Invalid for a change that a stack cannot make (01 § 2.2, § 3, § 8)."""
    if family_of(old.default_os) != family_of(new.default_os):
        raise Invalid(
            f"DefaultOs cannot change from {old.default_os} to {new.default_os}: a stack stays Linux or Windows"
        )
    _check_version(new.configuration_manager)
    was, now = _generation(old), _generation(new)
    if was != now:
        raise Invalid(
            f"ConfigurationManager cannot change from version {old.configuration_manager.version} to"
            f" {new.configuration_manager.version}: please create another stack for it"
        )


def _generation(stack: Stack) -> str:
    return (stack.configuration_manager.version or "").partition(".")[0].replace("0", "11")


def _check_region(region: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", region):
        raise Invalid(f"Region {region!r} is not allowed: 1 to 64 letters, digits, '-' and '_'")


def _check_manager(stack: Stack) -> None:
    manager = stack.configuration_manager
    _check_version(manager)
    if stack.is_windows != (manager.version == "12.2"):
        raise Invalid(
            f"ConfigurationManager.Version {manager.version} does not go with {stack.default_os}: 12.2 is for Windows,"
            " the others are for Linux"
        )
    if stack.is_windows and stack.default_root_device_type != "ebs":
        raise Invalid("DefaultRootDeviceType must be ebs in a Windows stack")


def _check_version(manager: ConfigurationManager) -> None:
    if manager.name != "Chef":
        raise Invalid(f"ConfigurationManager.Name must be Chef, not {manager.name!r}")
    if manager.version not in PROFILES:
        raise Invalid(f"ConfigurationManager.Version {manager.version!r} is unknown: one of {', '.join(PROFILES)}")


def _check_cookbooks(source: Source, stack: Stack, *, allow_insecure: bool) -> None:
    """Where a stack's cookbooks may come from (01 § 6.2)."""
    if source == Source():
        return
    types = ("git", "s3") if stack.is_windows else ("git", "svn", "archive", "s3")
    if source.type not in types:
        found = "is missing" if source.type is None else f"{source.type!r} is not for the cookbooks of this stack"
        raise Invalid(f"CustomCookbooksSource.Type {found}: please use one of {', '.join(types)}")
    check_source(source, member="CustomCookbooksSource", allow_insecure=allow_insecure)


def _check_network(stack: Stack) -> None:
    if stack.vpc_id and not stack.default_subnet_id:
        raise Invalid(f"DefaultSubnetId is missing: a stack in {stack.vpc_id} needs a subnet of it")
