"""Users: principals, their profiles for shell access, and what a permission record says (chapter 07)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Container
from datetime import datetime, timedelta
from itertools import count
from typing import Final

import msgspec

from toque_server.domain.invalid import Invalid

LEVELS: Final = ("deny", "iam_only", "show", "deploy", "manage")
DEFAULT_LEVEL: Final = "iam_only"

RESERVED_USERNAMES: Final = frozenset(
    (
        "root",
        "ubuntu",
        "ec2-user",
        "admin",
        "aws",
        "opsworks",
        "toque",
        "deploy",
        "daemon",
        "nobody",
        "bin",
        "sys",
        "sync",
        "games",
        "man",
        "lp",
        "mail",
        "news",
        "uucp",
        "proxy",
        "www-data",
        "backup",
        "list",
        "irc",
        "gnats",
        "sshd",
        "systemd-network",
        "systemd-resolve",
        "messagebus",
        "debian",
        "centos",
        "apache",
        "nginx",
        "mysql",
        "postgres",
    )
)

UIDS: Final = range(2000, 4000)
"""User ids of shell accounts; the deploy account starts at 4000 (07 C6)."""

UID_HELD_FOR: Final = timedelta(days=90)
"""How long nobody else gets the user id of a deleted profile: files of its owner may still be on the nodes."""

_ARN = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:(?P<kind>user|federated-user|root)(/(?P<path>[\x21-\x7e]+))?")
_USERNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,31}")
_KEY_TYPES: Final = frozenset(
    (
        "ssh-rsa",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    )
)


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who a principal is on the nodes. `uid` is given at the first AllowSsh, and stays with the profile."""

    ssh_username: str
    ssh_public_key: str | None = None
    allow_self_management: bool = False
    uid: int | None = None


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A principal. The ARN is its identity everywhere; without a `profile` it has no shell access and no levels."""

    arn: str
    name: str
    administrator: bool = False
    created_at: datetime
    profile: Profile | None = None


class PermissionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What one user may do in one stack."""

    stack_id: str
    user_arn: str
    level: str = DEFAULT_LEVEL
    allow_ssh: bool = False
    allow_sudo: bool = False


def user_arn(account: str, name: str) -> str:
    return f"arn:aws:iam::{account}:user/{name}"


def name_of(arn: str) -> str:
    """The last part of the ARN's path. Raises Invalid when `arn` names no user.

    >>> name_of("arn:aws:iam::123456789012:user/team/ann")
    'ann'
    """
    found = _ARN.fullmatch(arn)
    name = (found["path"] or "").rpartition("/")[2] if found else ""
    if found is None or (found["kind"] != "root" and not name):
        raise Invalid(f"IamUserArn {arn!r} is not the ARN of a user, such as arn:aws:iam::123456789012:user/ann")
    return name or "root"


def check_user_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9+=,.@_-]{1,64}", name):
        raise Invalid(f"UserName {name!r} is not allowed: 1 to 64 letters, digits, and any of + = , . @ _ -")
    return name


def ssh_username(wanted: str | None, name: str, taken: Container[str]) -> str:
    """The login name on nodes: punctuation removed, and a number behind it where it is taken (07 § 2).

    >>> ssh_username("my.name", "x", taken=())
    'myname'
    """
    base = re.sub(r"[^A-Za-z0-9_-]", "", name if wanted is None else wanted)
    if not _USERNAME.fullmatch(base) or base.lower() in RESERVED_USERNAMES:
        raise Invalid(
            f"SshUsername {base!r} is not allowed: at most 32 letters, digits, '_' and '-', not starting with a digit"
            " or a dash, and not a name that systems use themselves; please send another SshUsername"
        )
    if base not in taken:
        return base
    return next(each for number in count(2) if (each := f"{base[:28]}{number}") not in taken)


def check_public_keys(text: str) -> str:
    """The keys, one per line, as sent. Options before the key type are refused: they could run commands."""
    for line in filter(None, (each.strip() for each in text.splitlines())):
        kind, _, rest = line.partition(" ")
        blob = rest.strip().partition(" ")[0]
        if kind not in _KEY_TYPES or not _holds(blob, kind):
            raise Invalid(
                f"SshPublicKey has a line that is not a public key in OpenSSH's form: {line[:40]!r}; a line is"
                " 'ssh-ed25519 AAAA… comment', without options in front"
            )
    return text


def check_level(level: str) -> str:
    if level not in LEVELS:
        raise Invalid(f"Level {level!r} is unknown: please use one of {', '.join(LEVELS)}")
    return level


def free_uid(used: Container[int | None]) -> int:
    for uid in UIDS:
        if uid not in used:
            return uid
    raise Invalid(
        f"every user id from {UIDS.start} to {UIDS.stop - 1} is taken, or was within {UID_HELD_FOR.days} days: please"
        " delete profiles that nobody uses, and wait for their user ids"
    )


def _holds(blob: str, kind: str) -> bool:
    try:
        raw = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        return False
    return raw[4 : 4 + int.from_bytes(raw[:4], "big")] == kind.encode()
