"""Policies of users, judged by Cedar: each statement becomes a `permit` or a `forbid`.

Cedar decides (a `forbid` beats every `permit`) and says which statements it was. Its `like` knows `*`; what a pattern
with `?` fits is found out here and told to Cedar as a fact of the request. Whatever goes wrong refuses: a `forbid` that
cannot be evaluated would otherwise count as one that does not apply.
"""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from toque_server.domain.invalid import Invalid
from toque_server.domain.permission import Effect, Policies, StackRef
from toque_server.domain.user_policy import Condition, Statement, parse

_HARMLESS: Final = frozenset(string.ascii_letters + string.digits + " *:/_-.,=+@?")

__all__ = ["Asked", "AttachedPolicies", "CannotJudge", "OnResource", "cedar_of"]


class CannotJudge(Exception):
    """The policies of a caller cannot be judged, so that nothing is allowed; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What conditions may ask of a request. `address` is empty for a call from within the process."""

    username: str
    account_id: str
    at: datetime
    address: str = ""
    secure: bool = True


@dataclass(frozen=True)
class _Compiled:
    """Cedar's own form, and the patterns that it cannot match itself, as (what they are about, pattern)."""

    policies: Any
    patterns: tuple[tuple[str, str], ...]


class AttachedPolicies:
    """What the documents of one user say of one request: `Policies` of `domain.permission`.

    `documents` are (name, JSON text). Raises CannotJudge when one of them cannot be read.
    """

    def __init__(self, documents: Sequence[tuple[str, str]], asked: Asked) -> None:
        self._compiled = _compiled(tuple(documents))
        self._asked = asked
        self._known: dict[tuple[str, str], tuple[Effect, tuple[str, ...]]] = {}

    def effect(self, action: str, stack: StackRef | None) -> Effect:
        return self.opinion(action, "*" if stack is None else stack.arn(self._asked.account_id))[0]

    def deciding(self, action: str, stack: StackRef | None) -> tuple[str, ...]:
        return self.opinion(action, "*" if stack is None else stack.arn(self._asked.account_id))[1]

    def opinion(self, action: str, resource: str) -> tuple[Effect, tuple[str, ...]]:
        """The effect, and the statements it comes from. An action without a service is one of opsworks."""
        full = (action if ":" in action else f"opsworks:{action}").lower()
        if (full, resource) not in self._known:
            self._known[full, resource] = self._judged(full, resource)
        return self._known[full, resource]

    def _judged(self, action: str, resource: str) -> tuple[Effect, tuple[str, ...]]:
        import cedarpy  # 16 MB, and needed only where somebody has policies

        request = {
            "principal": {"type": "User", "id": self._asked.username},
            "action": {"type": "Action", "id": "ask"},
            "resource": {"type": "Resource", "id": resource},
            "context": self._context(action, resource),
        }
        answer = cedarpy.is_authorized(request, self._compiled.policies, "[]")
        if answer.diagnostics.errors:
            raise CannotJudge(f"a policy could not be evaluated: {answer.diagnostics.errors[0]}")
        named = answer.diagnostics.id_annotations_by_reason
        statements = tuple(sorted(named[each] for each in answer.diagnostics.reasons))
        if answer.allowed:
            return Effect.ALLOW, statements
        return (Effect.DENY, statements) if statements else (Effect.SILENT, ())

    def _context(self, action: str, resource: str) -> dict[str, Any]:
        about = {"action": action, "resource": resource, "username": self._asked.username}
        fits = [_fact(kind, text) for kind, text in self._compiled.patterns if _fits(text, about.get(kind, ""))]
        context: dict[str, Any] = {
            **about,
            "fits": fits,
            "now": round(self._asked.at.timestamp() * 1000),
            "secure": self._asked.secure,
        }
        if (address := _address(self._asked.address)) is not None:
            context["ip"] = {"__extn": {"fn": "ip", "arg": address}}
        return context


@dataclass(frozen=True)
class OnResource:
    """The same policies, asked about one resource that is no stack: a user or a group of IAM."""

    policies: Policies
    resource: str

    def effect(self, action: str, stack: StackRef | None) -> Effect:
        return self._opinion(action)[0]

    def deciding(self, action: str, stack: StackRef | None) -> tuple[str, ...]:
        return self._opinion(action)[1]

    def _opinion(self, action: str) -> tuple[Effect, tuple[str, ...]]:
        if isinstance(self.policies, AttachedPolicies):
            return self.policies.opinion(action, self.resource)
        return self.policies.effect(action, None), ()


@lru_cache(maxsize=1024)
def _compiled(documents: tuple[tuple[str, str], ...]) -> _Compiled:
    """Kept by the texts of the documents: parsing takes far longer than judging."""
    try:
        import cedarpy
    except ImportError as error:
        raise CannotJudge(f"policies need the package cedarpy, which cannot be loaded here: {error}") from error
    written: list[str] = []
    patterns: dict[tuple[str, str], None] = {}
    for name, text in documents:
        try:
            statements = parse(text)
        except Invalid as error:
            raise CannotJudge(f"policy {name} cannot be read: {error}") from error
        written += cedar_of(name, statements)
        patterns |= dict.fromkeys(_odd_patterns(statements))
    try:
        return _Compiled(cedarpy.PolicySet.from_str("\n".join(written)), tuple(patterns))
    except ValueError as error:
        raise CannotJudge(f"the policies cannot be put into Cedar: {error}") from error


def cedar_of(policy: str, statements: Iterable[Statement]) -> list[str]:
    """The statements in Cedar's language, those of other services left out.

    >>> from toque_server.domain.user_policy import parse
    >>> cedar_of("p", parse('{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'))[0][:45]
    '@id("p/1") forbid(principal, action, resource'
    """
    return [_rule(policy, each) for each in statements if not each.foreign]


def _rule(policy: str, statement: Statement) -> str:
    word = "permit" if statement.effect is Effect.ALLOW else "forbid"
    actions = _any_of("action", [_whole(each.lower()) for each in statement.actions])
    resources = _any_of("resource", statement.resources)
    tests = [
        f"!{actions}" if statement.but_actions else actions,
        f"!{resources}" if statement.but_resources else resources,
        *map(_test, statement.conditions),
    ]
    name = _quoted(f"{policy}/{statement.name}")
    return f"@id({name}) {word}(principal, action, resource) when {{ {' && '.join(tests)} }};"


def _any_of(kind: str, patterns: Iterable[str]) -> str:
    return "(" + " || ".join(_match(kind, each) for each in patterns) + ")"


def _match(kind: str, pattern: str) -> str:
    if "?" in pattern:
        return f"context.fits.contains({_quoted(_fact(kind, pattern))})"
    return f"context.{kind} like {_quoted(pattern)}"


def _test(condition: Condition) -> str:
    values = condition.values
    match condition.operator:
        case "IpAddress" | "NotIpAddress":
            inside = " || ".join(f"context.ip.isInRange(ip({_quoted(each)}))" for each in values)
            known = f"(context has ip && ({inside}))"
            return f"!{known}" if condition.operator == "NotIpAddress" else known
        case "DateLessThan":
            return "(" + " || ".join(f"context.now < {each}" for each in values) + ")"
        case "DateGreaterThan":
            return "(" + " || ".join(f"context.now > {each}" for each in values) + ")"
        case "Bool":
            return "(" + " || ".join(f"context.secure == {each}" for each in values) + ")"
    if condition.key != "aws:username":
        # Nothing is passed to a service here, and a key that a request does not have fits no value.
        return "false"
    if condition.operator == "StringLike":
        return _any_of("username", values)
    return "(" + " || ".join(f"context.username == {_quoted(each)}" for each in values) + ")"


def _odd_patterns(statements: Iterable[Statement]) -> Iterable[tuple[str, str]]:
    for statement in statements:
        found = [("action", _whole(each.lower())) for each in statement.actions]
        found += [("resource", each) for each in statement.resources]
        for condition in statement.conditions:
            if condition.operator == "StringLike":
                found += [("username", each) for each in condition.values]
        yield from (each for each in found if "?" in each[1])


def _whole(action: str) -> str:
    return "*" if set(action) == {"*"} else action


def _fact(kind: str, pattern: str) -> str:
    return f"{kind} {pattern}"


def _fits(pattern: str, text: str) -> bool:
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _quoted(text: str) -> str:
    """A string of Cedar's; `*` stays what it is, for it is a wildcard only behind `like`."""
    return '"' + "".join(each if each in _HARMLESS else f"\\u{{{ord(each):x}}}" for each in text) + '"'


def _address(text: str) -> str | None:
    """As Cedar reads addresses: without a zone, and IPv4 as such."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)
