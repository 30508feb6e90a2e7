"""Operations on raid arrays. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    DescribeRaidArraysResult,
)
from toque.client.calling import OPSWORKS, Calls


class RaidArraysCalls(Calls):
    """Operations on raid arrays."""

    def describe_raid_arrays(
        self,
        *,
        instance_id: str | None = None,
        stack_id: str | None = None,
        raid_array_ids: Sequence[str] | None = None,
    ) -> DescribeRaidArraysResult:
        """Describe the RAID arrays of a stack or an instance, or the named ones.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeRaidArrays", OPSWORKS, {"InstanceId": instance_id, "StackId": stack_id, "RaidArrayIds": raid_array_ids}, DescribeRaidArraysResult, reads=True)
