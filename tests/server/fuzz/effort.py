"""How much the fuzz tests try: little and always the same, or as much as `TOQUE_FUZZ_EXAMPLES` says and always new."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings

_GIVEN: Final = os.environ.get("TOQUE_FUZZ_EXAMPLES", "")


def examples(usual: int) -> int:
    """How many examples one operation gets."""
    return int(_GIVEN or usual)


def effort(usual: int) -> settings:
    """For `@effort(20)` above `@given`: the world of a test is put back before each of its examples."""
    return settings(
        max_examples=examples(usual),
        derandomize=not _GIVEN,
        database=None,
        deadline=None,
        # What fails is small as it is: one good request with one mutation.
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
