"""What there is to choose from: operating systems and agent versions."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from toque_server.domain.operating_systems import CATALOGUE, PROFILES
from toque_server.domain.stack import ConfigurationManager
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import Nothing, Permission, Request, Result, operation


class OperatingSystemView(Result, frozen=True, kw_only=True):
    """`supported` is there only where it is false."""

    id: str
    name: str
    type: str
    configuration_managers: list[ConfigurationManager]
    reported_name: str | None
    reported_version: str | None
    supported: bool | None


class OperatingSystemsDescribed(Result, frozen=True, kw_only=True):
    operating_systems: list[OperatingSystemView]


class DescribeAgentVersions(Request, frozen=True, kw_only=True):
    stack_id: str | None = None
    configuration_manager: ConfigurationManager | None = None


class AgentVersionView(Result, frozen=True, kw_only=True):
    version: str
    configuration_manager: ConfigurationManager


class AgentVersionsDescribed(Result, frozen=True, kw_only=True):
    agent_versions: list[AgentVersionView]


@operation(permission=Permission.ANY)
def describe_operating_systems(ctx: Context, req: Nothing) -> OperatingSystemsDescribed:
    """Describe the operating systems that stacks and instances may name; old ones are marked as not supported."""
    return OperatingSystemsDescribed(
        operating_systems=[
            OperatingSystemView(
                id=each.id,
                name=each.id,
                type=each.type,
                configuration_managers=[ConfigurationManager("Chef", number) for number in each.managers],
                reported_name=each.reported_name,
                reported_version=each.reported_version,
                supported=None if each.supported else False,
            )
            for each in CATALOGUE
        ]
    )


def _asked_stack(_ctx: Context, req: DescribeAgentVersions) -> Sequence[str] | None:
    if req.stack_id is not None and req.configuration_manager is not None:
        raise ValidationException("Please provide either StackId or ConfigurationManager, and only one of them")
    return None if req.stack_id is None else [req.stack_id]


@operation(permission=Permission.SHOW, stack=_asked_stack, raises=(ValidationException, ResourceNotFoundException))
def describe_agent_versions(ctx: Context, req: DescribeAgentVersions) -> AgentVersionsDescribed:
    """Describe the agent versions that a stack, or stacks with a configuration manager, may name; else all."""
    manager = req.configuration_manager or ConfigurationManager("Chef")
    if req.stack_id is not None:
        manager = finding.stack(ctx, req.stack_id).configuration_manager
    if manager.name not in (None, "Chef") or manager.version not in (None, *PROFILES):
        raise ValidationException(f"ConfigurationManager.Version is one of {', '.join(PROFILES)}")
    wanted = [manager.version] if manager.version else [each for each in PROFILES if each != "12.2"]
    return AgentVersionsDescribed(
        agent_versions=[
            AgentVersionView(version=_our_version(), configuration_manager=ConfigurationManager("Chef", number))
            for number in wanted
            # The one system without an agent of ours is Windows.
            if number != "12.2"
        ]
    )


def _our_version() -> str:
    """Agent and server come from one distribution, and so bear one number."""
    try:
        return version("toque")
    except PackageNotFoundError:
        # A checkout that was never installed.
        return "0.0.0"
