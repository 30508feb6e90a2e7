"""What the structures of the API have in common: Python names here, the API's names on the wire."""

from __future__ import annotations

import msgspec


class Structure(msgspec.Struct, rename="pascal", omit_defaults=True, frozen=True, kw_only=True):
    """A value of the API. A member that is None is not said; what a newer server adds is passed over."""
