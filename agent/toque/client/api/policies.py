"""Operations on policies. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    DescribePolicyResult,
)
from toque.client.calling import TOQUE, Calls


class PoliciesCalls(Calls):
    """Operations on policies."""

    def describe_policy(
        self,
        *,
        stack_id: str,
        version: int | None = None,
    ) -> DescribePolicyResult:
        """Describe a stack's newest policy, or an older one that is kept.

        There is none before the first command of the stack was dispatched.

        Raises ResourceNotFoundException.
        """
        return self._ask("DescribePolicy", TOQUE, {"StackId": stack_id, "Version": version}, DescribePolicyResult, reads=True)
