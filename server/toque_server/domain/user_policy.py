"""Policies of users: IAM's JSON documents, the subset of chapter 07 § 4, read strictly.

    {"Version": "2012-10-17", "Statement": [{
        "Sid": "OneStack", "Effect": "Allow", "Action": "opsworks:Describe*",
        "Resource": "arn:aws:opsworks:*:*:stack/7f9c…/",
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]}

An error names the statement, the member, its value and what to write instead. Statements whose actions all belong to
other services are kept and ignored, so that documents written for AWS can be stored as they are.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from toque_server.domain.invalid import Invalid
from toque_server.domain.permission import Effect

LARGEST: Final = 10_240
"""Characters of one document."""

MOST_STATEMENTS: Final = 100

VERSIONS: Final = ("2012-10-17", "2008-10-17")

OPERATORS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:SourceIp": ("IpAddress", "NotIpAddress"),
    "aws:CurrentTime": ("DateLessThan", "DateGreaterThan"),
    "aws:SecureTransport": ("Bool",),
    "aws:username": ("StringEquals", "StringLike"),
    "iam:PassedToService": ("StringEquals", "StringLike"),
}
"""The keys of conditions that are known, and the operators that each takes."""

_OURS: Final = frozenset({"opsworks", "iam"})
_MEMBERS: Final = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")
_KEYS: Final = {key.lower(): key for key in OPERATORS_OF}
_OPERATORS: Final = tuple(dict.fromkeys(each for several in OPERATORS_OF.values() for each in several))
_ACTION: Final = re.compile(r"\*+|[A-Za-z][A-Za-z0-9-]*:[A-Za-z0-9*?]+")
_EXAMPLE: Final = "arn:aws:opsworks:*:*:stack/STACK-ID/"


class Condition(msgspec.Struct, frozen=True):
    """One key under one operator; it holds when any of the values does. Values are in a form that compares plainly."""

    operator: str
    key: str
    values: tuple[str, ...]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement. `but_actions`, `but_resources`: it is about everything else (NotAction, NotResource).

    `name` is the Sid, or the number of the statement, from 1. `foreign`: about actions of other services alone.
    """

    name: str
    effect: Effect
    actions: tuple[str, ...]
    but_actions: bool = False
    resources: tuple[str, ...]
    but_resources: bool = False
    conditions: tuple[Condition, ...] = ()
    foreign: bool = False


def parse(text: str) -> tuple[Statement, ...]:
    """The statements of a document. Raises Invalid, in words that say what to change."""
    if len(text) > LARGEST:
        raise Invalid(f"PolicyDocument has {len(text)} characters, and may have {LARGEST}: please use several policies")
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise Invalid("PolicyDocument is nested too deep for a policy") from None
    except ValueError as error:
        raise Invalid(f"PolicyDocument is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise Invalid('PolicyDocument must be an object: {"Version": "2012-10-17", "Statement": […]}')
    _only(document, ("Version", "Id", "Statement"), "PolicyDocument")
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise Invalid(f"Version {_said(document['Version'])} is unknown: please write {VERSIONS[0]!r}")
    raw = document.get("Statement")
    statements = raw if isinstance(raw, list) else [raw]
    if raw is None or not statements:
        raise Invalid("PolicyDocument has no Statement: please give at least one")
    if len(statements) > MOST_STATEMENTS:
        raise Invalid(f"PolicyDocument has {len(statements)} statements, and may have {MOST_STATEMENTS}")
    found = tuple(_statement(each, number) for number, each in enumerate(statements, 1))
    names = [each.name for each in found]
    if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
        raise Invalid(f"Sid {twice!r} is there twice: each statement needs another one, or none")
    return found


def exact_actions(statements: Iterable[Statement]) -> list[str]:
    """The names of opsworks actions that are written out, without wildcards: a typing error hides only among them."""
    written = (each for statement in statements for each in statement.actions)
    return [each.partition(":")[2] for each in written if re.fullmatch(r"(?i)opsworks:[a-z0-9]+", each)]


def _statement(raw: Any, number: int) -> Statement:
    here = f"statement {number}"
    if not isinstance(raw, dict):
        raise Invalid(f"{here} must be an object, not {_said(raw)}")
    sid = raw.get("Sid", "")
    if not isinstance(sid, str) or not re.fullmatch(r"[A-Za-z0-9]{0,128}", sid):
        raise Invalid(f"{here}: Sid {_said(sid)} is not allowed: letters and digits only")
    here = f"{here} ({sid})" if sid else here
    for name in ("Principal", "NotPrincipal"):
        if name in raw:
            raise Invalid(f"{here}: {name} has no meaning in a policy of a user: please leave it out")
    _only(raw, _MEMBERS, here)
    if raw.get("Effect") not in ("Allow", "Deny"):
        raise Invalid(f"{here}: Effect {_said(raw.get('Effect'))} must be 'Allow' or 'Deny'")
    actions, but_actions = _either(raw, "Action", here)
    resources, but_resources = _either(raw, "Resource", here)
    for action in actions:
        if not _ACTION.fullmatch(action):
            member = "NotAction" if but_actions else "Action"
            raise Invalid(f"{here}: {member} {action!r} must look like 'opsworks:CreateLayer', with * and ?, or be '*'")
    foreign = not but_actions and all(_service(each) not in _OURS for each in actions)
    if not foreign:
        for resource in resources:
            _check_resource(resource, "NotResource" if but_resources else "Resource", here)
    return Statement(
        name=sid or str(number),
        effect=Effect(raw["Effect"]),
        actions=actions,
        but_actions=but_actions,
        resources=resources,
        but_resources=but_resources,
        conditions=() if foreign else tuple(_conditions(raw.get("Condition", {}), here)),
        foreign=foreign,
    )


def _either(raw: Mapping[str, Any], member: str, here: str) -> tuple[tuple[str, ...], bool]:
    """The patterns of a member, or of its Not-form."""
    given = [name for name in (member, f"Not{member}") if name in raw]
    if len(given) != 1:
        what = "has both" if given else "needs one of"
        raise Invalid(f"{here} {what} {member} and Not{member}: please give exactly one")
    value = raw[given[0]]
    several = value if isinstance(value, list) else [value]
    if not several or not all(isinstance(each, str) and each for each in several):
        raise Invalid(f"{here}: {given[0]} must be a text or a list of texts, and not empty")
    return tuple(several), given[0] != member


def _service(action: str) -> str:
    """The service of an action; that of `*` counts as ours."""
    return action.partition(":")[0].lower() if ":" in action else "opsworks"


def _check_resource(resource: str, member: str, here: str) -> None:
    if set(resource) == {"*"}:
        return
    if "${" in resource:
        raise Invalid(
            f"{here}: {member} {resource!r} has a variable, and variables are not supported: please write it out"
        )
    parts = resource.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise Invalid(f"{here}: {member} {resource!r} must be '*' or an ARN such as {_EXAMPLE}")
    if parts[2] != "opsworks":
        return
    if not parts[5].startswith(("stack/", "*")):
        raise Invalid(f"{here}: {member} {resource!r} is not a stack, and policies know no other: {_EXAMPLE}")
    if not parts[5].endswith(("/", "*", "?")):
        raise Invalid(f"{here}: {member} {resource!r} fits no stack, for it must end in a slash: {resource}/")


def _conditions(raw: Any, here: str) -> Iterable[Condition]:
    if not isinstance(raw, dict):
        raise Invalid(f'{here}: Condition must be an object: {{"IpAddress": {{"aws:SourceIp": "10.0.0.0/8"}}}}')
    for operator, keys in raw.items():
        if operator not in _OPERATORS:
            raise Invalid(f"{here}: Condition {operator!r} is not supported: please use one of {', '.join(_OPERATORS)}")
        if not isinstance(keys, dict) or not keys:
            raise Invalid(f"{here}: Condition {operator} must be an object with at least one key")
        for written, values in keys.items():
            key = _KEYS.get(written.lower())
            if key is None:
                raise Invalid(f"{here}: Condition key {written!r} is not supported: one of {', '.join(OPERATORS_OF)}")
            if operator not in OPERATORS_OF[key]:
                choices = " or ".join(OPERATORS_OF[key])
                raise Invalid(f"{here}: Condition {operator} does not fit {key}, which takes {choices}")
            several = values if isinstance(values, list) else [values]
            if not several:
                raise Invalid(f"{here}: Condition {operator} of {key} has no value")
            yield Condition(
                operator, key, tuple(_plain(each, operator, f"{here}: Condition {operator}") for each in several)
            )


def _plain(value: Any, operator: str, here: str) -> str:
    """A value in the form in which it is compared: networks and times are made canonical."""
    if operator == "Bool":
        if (said := str(value).lower()) in ("true", "false"):
            return said
        raise Invalid(f"{here} {_said(value)} must be 'true' or 'false'")
    if not isinstance(value, str) or "${" in value:
        raise Invalid(f"{here} {_said(value)} must be a text, without variables")
    if operator in ("IpAddress", "NotIpAddress"):
        try:
            return str(ipaddress.ip_network(value, strict=False))
        except ValueError:
            raise Invalid(f"{here} {value!r} must be an address or a network, such as 10.0.0.0/8") from None
    if operator in ("DateLessThan", "DateGreaterThan"):
        return str(_milliseconds(value, here))
    return value


def _milliseconds(value: str, here: str) -> int:
    try:
        if re.fullmatch(r"\d{1,11}", value):
            return int(value) * 1000
        at = datetime.fromisoformat(value)
    except ValueError:
        raise Invalid(f"{here} {value!r} must be a time such as 2026-11-22T00:00:00Z") from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _only(raw: Mapping[str, Any], known: tuple[str, ...], here: str) -> None:
    if (unknown := next((name for name in raw if name not in known), None)) is not None:
        raise Invalid(f"{here} has a member {unknown!r}, which is none of {', '.join(known)}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return made


def _said(value: Any) -> str:
    return "is missing and" if value is None else repr(value)[:80]
