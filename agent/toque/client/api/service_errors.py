"""Operations on service errors. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    DescribeServiceErrorsResult,
)
from toque.client.calling import OPSWORKS, Calls


class ServiceErrorsCalls(Calls):
    """Operations on service errors."""

    def describe_service_errors(
        self,
        *,
        stack_id: str | None = None,
        instance_id: str | None = None,
        service_error_ids: Sequence[str] | None = None,
    ) -> DescribeServiceErrorsResult:
        """Describe the service errors of a stack, of an instance, or the named ones; newest first.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeServiceErrors", OPSWORKS, {"StackId": stack_id, "InstanceId": instance_id, "ServiceErrorIds": service_error_ids}, DescribeServiceErrorsResult, reads=True)
