"""Registration identities: what a machine may be given that shall bring itself into one stack, and nothing else.

`aws opsworks register` makes such an identity through IAM, with names of its own making (chapter 08 § 10.3); the stack
stands whole in the group's name, and in the user's name shortened. What such an identity may do never follows from a
document that somebody attached: it is `RegisterInstance`, on one stack, for a quarter of an hour, for one machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

PATH: Final = "/AWS/OpsWorks/"
"""Where groups and users of this kind live; nothing else does."""

POLICY_ARN: Final = "arn:aws:iam::aws:policy/AWSOpsWorksInstanceRegistration"
"""The one policy there is to attach."""

ACTION: Final = "RegisterInstance"
"""The one operation that such an identity may call."""

LIFE: Final = timedelta(minutes=15)
"""How long an identity may be used, and how long its name is taken."""

_PREFIX: Final = "OpsWorks-"
_PART: Final = 25
_ALTERNATIVES: Final = 20
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9+=,.@_-]+")
_NAME: Final = re.compile(r"OpsWorks-[A-Za-z0-9+=,.@_-]{1,55}")


def group_name(stack_id: str) -> str:
    """
    >>> group_name("2f18b4cb-4de5-4429-a149-ff7da9f0d8ee")
    'OpsWorks-2f18b4cb-4de5-4429-a149-ff7da9f0d8ee'
    """
    return _PREFIX + _clean(stack_id)


def stack_id_of(group: str) -> str | None:
    """The stack whose group bears this name; None where it is no name of a group."""
    id = group.removeprefix(_PREFIX)
    return id if id != group and group_name(id) == group else None


def is_user_name(name: str) -> bool:
    """Whether it can be the name of a registration identity, of whatever stack."""
    return _NAME.fullmatch(name) is not None


def names(stack_name: str, machine: str) -> Iterator[str]:
    """The names an identity for this machine may have, in the order in which they are tried.

    >>> next(names("My shop", "web1.example.com"))
    'OpsWorks-My-shop-web1.example.com'
    """
    base = f"{_begin(stack_name)}{_shorten(_clean(machine))}"
    yield base
    yield from (f"{base}+{number}" for number in range(1, _ALTERNATIVES))


def may_be_of(name: str, stack_name: str) -> bool:
    """Whether a user of this name may be meant for a stack of that name. Several stacks may look alike.

    >>> may_be_of("OpsWorks-shop-web1", "shop"), may_be_of("OpsWorks-shop-web1", "blog")
    (True, False)
    """
    begin = _begin(stack_name)
    return name.startswith(begin) and name != begin


def arn(account_id: str, kind: str, name: str) -> str:
    """The ARN of a `user` or a `group`."""
    return f"arn:aws:iam::{account_id}:{kind}{PATH}{name}"


def _begin(stack_name: str) -> str:
    return f"{_PREFIX}{_shorten(_clean(stack_name))}-"


def _clean(name: str) -> str:
    return _NOT_IN_NAMES.sub("-", name)


def _shorten(name: str) -> str:
    """The middle of a long name is left out, as the OpsWorks clients do it."""
    if len(name) <= _PART:
        return name
    half, odd = divmod(_PART - 3, 2)
    return f"{name[: half + odd]}...{name[-half:]}"
