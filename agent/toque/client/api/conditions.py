"""Operations on conditions. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    DescribeConditionsResult,
)
from toque.client.calling import TOQUE, Calls


class ConditionsCalls(Calls):
    """Operations on conditions."""

    def describe_conditions(
        self,
        *,
        stack_id: str | None = None,
        instance_id: str | None = None,
    ) -> DescribeConditionsResult:
        """Describe how the instances of a stack, or one instance, are: status, since when, why, last contact, facts.

        Contacts are written every two seconds or so: a `SilentSeconds` below that says nothing.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeConditions", TOQUE, {"StackId": stack_id, "InstanceId": instance_id}, DescribeConditionsResult, reads=True)
