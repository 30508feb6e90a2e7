"""Whether what a file says of a value is what the server has; and what is sent where it is not.

Secrets are the difficulty: a server tells of its own only that they are there. So a secret that is there agrees with
every reference, given or not, until `renew` asks for those that are given to be sent again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from toque.stackfile.hours import switched_on
from toque.stackfile.model import FILTERED, Part, SecretRef

JSON_FIELDS: Final = frozenset({"custom_json", "node_attributes"})
MERGED_FIELDS: Final = frozenset({"Layer.attributes"})
"""Maps of which the server keeps the keys that are not sent."""


class Secrets(NamedTuple):
    """The values that were given, by name; `renew`: they are sent even where the server has one already."""

    values: Mapping[str, str] = {}
    renew: bool = False

    def renews(self, wanted: SecretRef) -> bool:
        return self.renew and wanted.name in self.values


NONE_GIVEN: Final = Secrets()


def field_agrees(kind: str, field: str, wanted: Any, found: Any, secrets: Secrets) -> bool:
    """One field of a structure called `kind`. What the file does not manage (None) agrees with everything."""
    if field in JSON_FIELDS:
        return _json_agrees(wanted, found, secrets)
    if field == "schedule":
        return _hours_on(wanted) == _hours_on(found)
    if field == "environment":
        return _environment_agrees(wanted, found, secrets)
    if f"{kind}.{field}" in MERGED_FIELDS:
        return all(agrees(value, found.get(key), secrets) for key, value in wanted.items())
    return agrees(wanted, found, secrets)


def agrees(wanted: Any, found: Any, secrets: Secrets) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, SecretRef):
        if isinstance(found, SecretRef):
            return not secrets.renews(wanted)
        # The value is there to be seen; a reference that nobody fills leaves it alone.
        return isinstance(found, str) and secrets.values.get(wanted.name, found) == found
    if isinstance(wanted, Part):
        names = wanted.__struct_fields__
        return all(agrees(getattr(wanted, name), getattr(found, name, None), secrets) for name in names)
    if isinstance(wanted, Mapping):
        same = isinstance(found, Mapping) and wanted.keys() == found.keys()
        return same and all(_same(value, found[key], secrets) for key, value in wanted.items())
    if isinstance(wanted, list | tuple):
        same = isinstance(found, list | tuple) and len(wanted) == len(found)
        return same and all(_same(*pair, secrets) for pair in zip(wanted, found, strict=True))
    return isinstance(wanted, bool) == isinstance(found, bool) and bool(wanted == found)


def _same(wanted: Any, found: Any, secrets: Secrets) -> bool:
    """Within a collection, null is a value."""
    return found is None if wanted is None else agrees(wanted, found, secrets)


def _json_agrees(wanted: Any, found: Any, secrets: Secrets) -> bool:
    if isinstance(wanted, str) and isinstance(found, str):
        return wanted == found
    return agrees(as_object(wanted), as_object(found), secrets)


def as_object(value: Any) -> Any:
    """JSON that may be a text as the object that it is."""
    return json.loads(value) if isinstance(value, str) else value


def _hours_on(schedule: Mapping[str, Mapping[str, str]]) -> dict[str, frozenset[str]]:
    return {day: on for day, hours in schedule.items() if (on := switched_on(hours))}


def _environment_agrees(wanted: Mapping[str, Any], found: Mapping[str, Any], secrets: Secrets) -> bool:
    """A variable that is to be a secret one, and is not, is a difference, whatever its value."""
    if wanted.keys() != found.keys():
        return False
    return all(
        isinstance(value, SecretRef) == isinstance(found[key], SecretRef) and agrees(value, found[key], secrets)
        for key, value in wanted.items()
    )


def filled(wanted: Any, found: Any, secrets: Secrets) -> Any:
    """The value as it is sent: with the secrets that were given, and with `FILTERED` for those that are to stay.

    What of data is neither given nor there is None; `missing` tells of it before.
    """
    if isinstance(wanted, SecretRef):
        if isinstance(found, SecretRef):
            return secrets.values[wanted.name] if secrets.renews(wanted) else FILTERED
        return secrets.values.get(wanted.name, found if isinstance(found, str) else None)
    if isinstance(wanted, Part):
        kept = {
            name: filled(getattr(wanted, name), getattr(found, name, None), secrets)
            for name in wanted.__struct_fields__
        }
        return type(wanted)(**kept)
    if isinstance(wanted, Mapping):
        there = found if isinstance(found, Mapping) else {}
        return {key: filled(value, there.get(key), secrets) for key, value in wanted.items()}
    if isinstance(wanted, list | tuple):
        known = list(found) if isinstance(found, list | tuple) else []
        known += [None] * (len(wanted) - len(known))
        return [filled(value, known[number], secrets) for number, value in enumerate(wanted)]
    return wanted


def missing(wanted: Any, found: Any, secrets: Secrets) -> Iterator[str]:
    """The names of secrets that would have to be sent, and were not given."""
    if isinstance(wanted, SecretRef):
        if not isinstance(found, SecretRef | str) and wanted.name not in secrets.values:
            yield wanted.name
    elif isinstance(wanted, Part):
        for name in wanted.__struct_fields__:
            yield from missing(getattr(wanted, name), getattr(found, name, None), secrets)
    elif isinstance(wanted, Mapping):
        there = found if isinstance(found, Mapping) else {}
        for key, value in wanted.items():
            yield from missing(value, there.get(key), secrets)
    elif isinstance(wanted, list | tuple):
        known = list(found) if isinstance(found, list | tuple) else []
        for number, value in enumerate(wanted):
            yield from missing(value, known[number] if number < len(known) else None, secrets)


def names_of(value: Any) -> Collection[str]:
    """Every secret that a value refers to."""
    return set(missing(value, None, NONE_GIVEN))
