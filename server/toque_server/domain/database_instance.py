"""A database instance registered with a stack, and the directory that says where it is (08 § 4, 02 § 13)."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from datetime import datetime
from typing import Final

import msgspec

from toque_server.domain.invalid import Invalid
from toque_server.domain.source import FILTERED

_ARN = re.compile(r"arn:[a-z][a-z0-9-]*:rds:([A-Za-z0-9_-]{1,64}):[0-9]{12}:db:([A-Za-z][A-Za-z0-9-]{0,62})")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*")
_ENGINE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_LONGEST: Final = 255


class DatabaseInstance(msgspec.Struct, frozen=True, kw_only=True):
    """What of a registered database may be shown. Its password is in `DatabaseSecrets`.

    `address`, `port` and `engine` are what the directory said when it was registered; without an entry they are None,
    and the instance is missing.
    """

    arn: str
    stack_id: str
    registered_at: datetime
    user: str
    address: str | None = None
    port: int | None = None
    engine: str | None = None

    @property
    def missing(self) -> bool:
        return self.address is None

    @property
    def region(self) -> str:
        return region_and_identifier(self.arn)[0]

    @property
    def identifier(self) -> str:
        return region_and_identifier(self.arn)[1]


class DatabaseSecrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a registered database is stored sealed."""

    password: str = ""


class DirectoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Where the database instance of this ARN is, as an administrator entered it."""

    arn: str
    address: str
    port: int
    engine: str
    updated_at: datetime
    updated_by: str


def region_and_identifier(arn: str) -> tuple[str, str]:
    """What an ARN says of its database instance. Raises Invalid for any other text.

    >>> region_and_identifier("arn:aws:rds:eu-west-1:123456789012:db:shop")
    ('eu-west-1', 'shop')
    """
    found = _ARN.fullmatch(arn)
    if found is None:
        raise Invalid(
            f"RdsDbInstanceArn {arn[:120]!r} is not the ARN of a database instance, such as"
            " arn:aws:rds:eu-west-1:123456789012:db:shop"
        )
    return found[1], found[2]


def check_credentials(user: str, password: str) -> None:
    """Raise Invalid for what cannot be a user or a password; whether they are right, only the database knows."""
    for member, value in (("DbUser", user), ("DbPassword", password)):
        if not value:
            raise Invalid(f"{member} is empty: please send it")
        if len(value) > _LONGEST:
            raise Invalid(f"{member} has {len(value)} characters, at most {_LONGEST}")
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
            raise Invalid(f"{member} has characters that cannot be printed")
    if password == FILTERED:
        raise Invalid("DbPassword is the text that stands in answers for a password: please send the password itself")


def check_entry(entry: DirectoryEntry) -> None:
    """Raise Invalid for an entry that leads nowhere."""
    region_and_identifier(entry.arn)
    if not _is_host(entry.address):
        raise Invalid(f"Address {entry.address[:120]!r} is neither a host name nor an IP address")
    if not 1 <= entry.port <= 65535:
        raise Invalid(f"Port must be 1 to 65535, not {entry.port}")
    if not _ENGINE.fullmatch(entry.engine):
        raise Invalid(f"Engine {entry.engine[:80]!r} is not an engine: it is a word such as mysql, mariadb or postgres")


def _is_host(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return _HOST.fullmatch(address) is not None
    return True
