"""Operations on metrics. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    DescribeMetricsResult,
)
from toque.client.calling import TOQUE, Calls


class MetricsCalls(Calls):
    """Operations on metrics."""

    def describe_metrics(
        self,
        *,
        stack_id: str | None = None,
        layer_id: str | None = None,
        instance_id: str | None = None,
        names: Sequence[str] | None = None,
        since: str | None = None,
        until: str | None = None,
        resolution_seconds: int | None = None,
    ) -> DescribeMetricsResult:
        """Describe CPU, memory, load and processes over time, step by step: average, minimum and maximum.

        Of a layer or a stack these are of all samples of its present instances together. Agents send one sample a minute,
        and that is what is kept: there is no finer resolution, and a coarser one is reckoned from it.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeMetrics", TOQUE, {"StackId": stack_id, "LayerId": layer_id, "InstanceId": instance_id, "Names": names, "Since": since, "Until": until, "ResolutionSeconds": resolution_seconds}, DescribeMetricsResult, reads=True)
