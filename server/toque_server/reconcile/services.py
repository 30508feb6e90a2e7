"""What the loops need of the rest of the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from toque_server.domain.instance import Instance
from toque_server.providers import Provider
from toque_server.settings import Settings

Providers = Callable[[str], Provider]
"""The provider of a region. Raises ProviderError where there is none."""


def _none_heard() -> Mapping[str, datetime]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Services:
    """`join_token` makes the text of a token with which the machine of this instance may enrol.

    `last_contacts` are the contacts that this process knows of and may not have written down yet, by instance id.
    """

    settings: Settings
    new_id: Callable[[], str]
    join_token: Callable[[Instance], str]
    last_contacts: Callable[[], Mapping[str, datetime]] = _none_heard
