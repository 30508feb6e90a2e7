"""The attributes of a built-in layer: merged by key, checked, and shown with secrets filtered (chapter 02 § 5)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from toque_server.domain.invalid import Invalid
from toque_server.domain.layer_kinds import Kind
from toque_server.domain.source import FILTERED

_PATH: Final = (re.compile(r"/[\x21-\x7e]{0,254}"), "a path that begins with '/'")
_NAME: Final = (re.compile(r"[\x21-\x39\x3b-\x7e]{1,64}"), "1 to 64 characters without blanks and colons")
_VERSION: Final = (re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~_-]{0,63}"), "a version such as 2.5.1")

_FORMS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "HaproxyStatsUrl": _PATH,
    "HaproxyHealthCheckUrl": _PATH,
    "GangliaUrl": _PATH,
    "HaproxyStatsUser": _NAME,
    "GangliaUser": _NAME,
    "MemcachedMemory": (re.compile(r"[1-9][0-9]{0,6}"), "a whole number of MB"),
    **dict.fromkeys(
        (
            "NodejsVersion",
            "RubyVersion",
            "RubygemsVersion",
            "BundlerVersion",
            "PassengerVersion",
            "JvmVersion",
            "JavaAppServerVersion",
        ),
        _VERSION,
    ),
}
_LONGEST: Final = 1024


def merge_attributes(
    kind: Kind,
    stored: Mapping[str, str],
    secrets: Mapping[str, str],
    sent: Mapping[str, str | None],
    *,
    made_up: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, str]]:
    """`sent` over what is stored, by key (L-4): the public attributes and the secret ones. Raises Invalid.

    Null resets a key: to the type's default, or to what is `made_up` for a password that nobody chose. The filtered
    literal keeps the secret that is there.
    """
    public, sealed = dict(stored), dict(secrets)
    for key, value in sent.items():
        if key not in kind.attributes:
            raise Invalid(
                f"Attributes: a layer of type {kind.name} has no {key!r};"
                f" it has {', '.join(sorted(kind.attributes)) or 'none'}"
            )
        target = sealed if key in kind.secret_attributes else public
        if value is None:
            target.pop(key, None)
            if (fresh := made_up.get(key) or kind.defaults.get(key)) is not None:
                target[key] = fresh
        elif target is public or value != FILTERED:
            _check(kind, key, value)
            target[key] = value
    return public, sealed


def shown_attributes(kind: Kind, public: Mapping[str, str], secrets: Collection[str]) -> dict[str, str | None]:
    """Attributes for an answer: every key of the type, null where unset, secrets filtered; none for `custom` (L-7)."""
    shown: dict[str, str | None] = dict.fromkeys(sorted(kind.attributes))
    return shown | dict(public) | dict.fromkeys(sorted(secrets), FILTERED)


def _check(kind: Kind, key: str, value: str) -> None:
    allowed = kind.attribute_values.get(key)
    if allowed is not None and value not in allowed:
        raise Invalid(f"Attributes.{key} {value!r} is unknown: please use one of {', '.join(allowed)}")
    form, said = _FORMS.get(key, (None, ""))
    if form is not None and not form.fullmatch(value):
        raise Invalid(f"Attributes.{key} must be {said}, not {value[:40]!r}")
    if len(value) > _LONGEST or not value.isprintable():
        raise Invalid(f"Attributes.{key} must be one line of at most {_LONGEST} printable characters")
