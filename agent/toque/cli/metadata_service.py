"""The metadata service of a cloud machine: its identity document, and the key of its instance profile."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import requests

_ADDRESS = "http://169.254.169.254"
_TIMEOUT = (2, 10)
_TOKEN_SECONDS = "60"


class NoMetadata(Exception):
    """The service does not answer, or has not what was asked for; the message says what to do."""


@dataclass(frozen=True)
class Identity:
    """The signed document that says which machine this is."""

    document: str
    signature: str

    @property
    def region(self) -> str:
        return str(self._said().get("region", ""))

    @property
    def instance_id(self) -> str:
        return str(self._said().get("instanceId", ""))

    def _said(self) -> dict[str, Any]:
        try:
            said = json.loads(self.document)
        except ValueError:
            raise NoMetadata("the metadata service's identity document is no JSON") from None
        return said if isinstance(said, dict) else {}


@dataclass(frozen=True)
class ProfileKey:
    access_key_id: str
    secret_access_key: str = field(repr=False)


def identity() -> Identity:
    """This machine's identity. Raises NoMetadata."""
    dynamic = "/latest/dynamic/instance-identity"
    return Identity(_get(f"{dynamic}/document"), _get(f"{dynamic}/signature"))


def profile_key() -> ProfileKey:
    """The access key of the instance profile. Raises NoMetadata."""
    roles = "/latest/meta-data/iam/security-credentials/"
    name = _get(roles).split("\n", 1)[0].strip()
    try:
        said = json.loads(_get(roles + name))
        return ProfileKey(str(said["AccessKeyId"]), str(said["SecretAccessKey"]))
    except (ValueError, KeyError, TypeError):
        raise NoMetadata(f"the instance profile {name} has no access key") from None


def _get(path: str) -> str:
    """What stands at this path, asked for with a session's token where the service has sessions."""
    # AWS' own tools read this variable; a private cloud may have its service elsewhere.
    address = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", _ADDRESS).rstrip("/")
    ttl = {"X-aws-ec2-metadata-token-ttl-seconds": _TOKEN_SECONDS}
    with requests.Session() as session:
        session.trust_env = False
        try:
            token = session.put(f"{address}/latest/api/token", headers=ttl, timeout=_TIMEOUT)
            headers = {"X-aws-ec2-metadata-token": token.text} if token.ok else {}
            answer = session.get(f"{address}{path}", headers=headers, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise NoMetadata(
                f"the metadata service {address} does not answer: a machine that is in no cloud is registered with "
                "--infrastructure-class on-premises"
            ) from error
    if not answer.ok:
        raise NoMetadata(f"the metadata service has no {path} (HTTP {answer.status_code})")
    return answer.text
