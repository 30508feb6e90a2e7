"""The JSON body of a call: any bytes at all become a value, or an error that says what is wrong with them."""

from __future__ import annotations

from typing import Any

import msgspec

from toque_server.domain.nesting import DEEPEST, is_deeper
from toque_server.operations.errors import ValidationException

_TOO_DEEP = f"the request is nested deeper than {DEEPEST} levels"


def decoded(body: bytes) -> Any:
    """The value in a body; an empty one is an empty object. Raises ValidationException."""
    try:
        value = msgspec.json.decode(body or b"{}")
    except RecursionError:
        raise ValidationException(_TOO_DEEP) from None
    except ValueError as error:
        # Besides what is no JSON: what is no UTF-8.
        raise ValidationException(f"the request is not JSON: {error}") from None
    # Fewer opening brackets than that cannot nest deeper: no need to look.
    if body.count(b"{") + body.count(b"[") > DEEPEST and is_deeper(value):
        raise ValidationException(_TOO_DEEP)
    return value
