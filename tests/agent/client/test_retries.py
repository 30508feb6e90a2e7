from __future__ import annotations

import pytest

from toque.client.errors import CallFailed, ServerFailed, ThrottlingException, Unreachable, ValidationException
from toque.client.retries import ONCE, Retries

RETRIES = Retries(attempts=3, base=1, limit=10)
THROTTLED = ThrottlingException("ThrottlingException", "slowly")


@pytest.mark.parametrize(
    ("error", "when_reading", "when_changing"),
    [
        pytest.param(ServerFailed("InternalFailure", "oh", status=500), True, False, id="failure of the server"),
        pytest.param(ServerFailed("ServiceUnavailable", "oh", status=503), True, False, id="busy database"),
        pytest.param(Unreachable("refused", sent=False), True, True, id="never sent"),
        pytest.param(Unreachable("timed out", sent=True), True, False, id="broken off"),
        pytest.param(Unreachable("bad certificate", sent=False, lasting=True), False, False, id="lasting"),
        pytest.param(THROTTLED, True, True, id="too much at once"),
        pytest.param(ValidationException("ValidationException", "no"), False, False, id="refused"),
    ],
)
def test_a_change_is_repeated_only_when_it_surely_did_nothing(
    error: CallFailed, when_reading: bool, when_changing: bool
) -> None:
    assert (RETRIES.delay(error, 1, reads=True) is not None) is when_reading
    assert (RETRIES.delay(error, 1, reads=False) is not None) is when_changing


def test_the_waits_grow_up_to_the_limit_and_end_with_the_attempts() -> None:
    waits = [
        Retries(attempts=6, base=1, limit=4).delay(THROTTLED, n, reads=True, draw=lambda: 1.0) for n in range(1, 7)
    ]

    assert waits == [1, 2, 4, 4, 4, None]
    assert ONCE.delay(THROTTLED, 1, reads=True) is None


def test_what_the_server_asks_for_is_kept_to() -> None:
    asked = ThrottlingException("ThrottlingException", "slowly", retry_after=3.0)

    assert RETRIES.delay(asked, 1, reads=False, draw=lambda: 0.0) == 3.0
