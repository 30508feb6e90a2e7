"""Operations on explain attributes. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator

from toque.client.structures import (
    AttributeExplained,
    ExplainAttributesResult,
)
from toque.client.calling import TOQUE, Calls


class ExplainAttributesCalls(Calls):
    """Operations on explain attributes."""

    def explain_attributes(
        self,
        *,
        instance_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
        key: str | None = None,
    ) -> ExplainAttributesResult:
        """Explain where settings of an instance come from: the value, and what each level of the chain says of it.

        The levels are the defaults of the stack's cookbooks, stack, layers in their order, apps, instance, and the custom
        JSON of the instance's last deployment, which counted for that run alone. Secret settings read as filtered. Who set
        a level is known for attributes always, for custom JSON as far back as the audit tells.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("ExplainAttributes", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "InstanceId": instance_id, "Key": key}, ExplainAttributesResult, reads=True)

    def iterate_explain_attributes(
        self,
        *,
        instance_id: str,
        max_results: int | None = None,
        key: str | None = None,
    ) -> Iterator[AttributeExplained]:
        """Yield each of the `attributes` that `explain_attributes` answers with, page after page. A page has `max_results`."""
        return self._iterate("ExplainAttributes", TOQUE, {"MaxResults": max_results, "InstanceId": instance_id, "Key": key}, ExplainAttributesResult, "attributes")
