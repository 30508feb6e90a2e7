"""What `register` writes beside the installer for the machine to read: lines `:name: <JSON value>` (08 § 10.2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

_LINE = re.compile(r":([a-z][a-z0-9_]*): (.*)")


class BadPreconfig(Exception):
    """The file cannot be used; the message says what is wrong with it."""


class Preconfig(msgspec.Struct, frozen=True, kw_only=True):
    """What of it a machine needs. Names that we do not use are left alone: OpsWorks' own agent had many."""

    stack_id: str
    server_url: str
    root_fingerprint: str
    ca_pem: str = ""
    """The authority of the server's certificate, where the world does not know it."""
    access_key_id: str = ""
    """The key for RegisterInstance; empty: that of the machine's instance profile."""
    secret_access_key: str = ""
    is_cloud: bool = msgspec.field(name="import", default=False)
    """Whether this machine has an identity document, and registers as class `ec2`."""
    hostname: str = ""
    private_ip: str = ""
    public_ip: str = ""


def written(values: Mapping[str, Any]) -> str:
    """The text of the file, as OpsWorks' own client writes it.

    >>> written({"stack_id": "s-1", "import": False})
    ':import: false\\n:stack_id: "s-1"'
    """
    return "\n".join(f":{name}: {json.dumps(value)}" for name, value in sorted(values.items()))


def read(path: Path) -> Preconfig:
    """Raises BadPreconfig."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadPreconfig(f"{path} cannot be read: {error}") from error
    values: dict[str, Any] = {}
    for number, line in enumerate(filter(str.strip, text.splitlines()), start=1):
        parts = _LINE.fullmatch(line)
        try:
            if parts is None:
                raise ValueError("it is not of the form `:name: value`")
            values[parts[1]] = json.loads(parts[2])
        except ValueError as error:
            raise BadPreconfig(f"{path}, line {number}: {error}") from None
    try:
        return msgspec.convert(values, Preconfig)
    except msgspec.ValidationError as error:
        raise BadPreconfig(
            f"{path}: {error}; it must be written by `aws opsworks register` or `toque opsworks register` for a server "
            "of Toque"
        ) from None
