"""Operations on catalogues. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    ConfigurationManager,
    DescribeAgentVersionsResult,
    DescribeOperatingSystemsResult,
)
from toque.client.calling import OPSWORKS, Calls


class CataloguesCalls(Calls):
    """Operations on catalogues."""

    def describe_agent_versions(
        self,
        *,
        stack_id: str | None = None,
        configuration_manager: ConfigurationManager | None = None,
    ) -> DescribeAgentVersionsResult:
        """Describe the agent versions that a stack, or stacks with a configuration manager, may name; else all.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeAgentVersions", OPSWORKS, {"StackId": stack_id, "ConfigurationManager": configuration_manager}, DescribeAgentVersionsResult, reads=True)

    def describe_operating_systems(self) -> DescribeOperatingSystemsResult:
        """Describe the operating systems that stacks and instances may name; old ones are marked as not supported."""
        return self._ask("DescribeOperatingSystems", OPSWORKS, {}, DescribeOperatingSystemsResult, reads=True)
