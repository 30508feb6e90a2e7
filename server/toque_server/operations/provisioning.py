"""What a machine needs that shall bring itself into a stack: an installer, parameters, and an identity (08 § 10.3)."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from toque.protocol.keys import load_public
from toque_server.domain import registration_identity
from toque_server.domain.stack import Stack, check_name
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.security.tokens import new_access_key
from toque_server.store import registrations
from toque_server.store.registrations import Registration

INSTALLER_PATH: Final = "/installer/opsworks-agent-installer.tgz"
"""Where this server gives away the installer; `installer` makes it."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_RAISES = (ValidationException, ResourceNotFoundException)


class DescribeStackProvisioningParameters(Request, frozen=True, kw_only=True):
    stack_id: str


class StackProvisioningParameters(Result, frozen=True, kw_only=True):
    agent_installer_url: str
    parameters: dict[str, str]


class CreateRegistration(Request, frozen=True, kw_only=True):
    """`machine` is how people call it; it becomes part of the identity's name."""

    stack_id: str
    machine: str


class RegistrationCreated(Result, frozen=True, kw_only=True):
    """An access key for one call of RegisterInstance. It is in this answer and nowhere else."""

    user_arn: str
    access_key_id: str
    secret_access_key: str
    expires_at: datetime


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def describe_stack_provisioning_parameters(
    ctx: Context, req: DescribeStackProvisioningParameters
) -> StackProvisioningParameters:
    """Describe what the agent's installer needs to know, and where it is: for `register`, which gives it to a machine.

    `server_url` is this server, `ca_pem` the authority of its certificate where the world does not know it, and
    `root_fingerprint` the one key whose word the new agent believes.
    """
    stack = finding.stack(ctx, req.stack_id)
    return StackProvisioningParameters(
        agent_installer_url=f"{ctx.settings.public_url}{INSTALLER_PATH}", parameters=_parameters(ctx, stack)
    )


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=_RAISES)
def create_registration(ctx: Context, req: CreateRegistration) -> RegistrationCreated:
    """Make an access key with which one machine may register itself with a stack, within a quarter of an hour.

    It may call RegisterInstance on this stack and nothing else. `toque opsworks register` uses it; `aws opsworks
    register` makes the same through IAM.
    """
    stack = finding.stack(ctx, req.stack_id)
    check_name(req.machine, longest=255, member="Machine")
    registrations.prune(ctx.conn, ctx.now)
    free = (
        name
        for name in registration_identity.names(stack.name, req.machine)
        if registrations.get(ctx.conn, name) is None
    )
    if (name := next(free, None)) is None:
        minutes = int(registration_identity.LIFE.total_seconds() // 60)
        raise ValidationException(
            f"too many identities were made for {req.machine}: each is gone after {minutes} minutes", field="Machine"
        )
    made = Registration(
        name=name,
        stack_id=stack.id,
        created_at=ctx.now,
        created_by=ctx.caller.arn,
        allowed=True,
        expires_at=ctx.now + registration_identity.LIFE,
    )
    registrations.add(ctx.conn, made)
    access_key_id, secret = give_key(ctx, name)
    return RegistrationCreated(
        user_arn=registration_identity.arn(ctx.account_id, "user", name),
        access_key_id=access_key_id,
        secret_access_key=secret,
        expires_at=made.expires_at,
    )


def give_key(ctx: Context, name: str) -> tuple[str, str]:
    """Make the access key of a registration identity: its id and its secret. Its time begins now."""
    access_key_id, secret = new_access_key()
    until = ctx.now + registration_identity.LIFE
    registrations.set_key(ctx.conn, ctx.vault, name, access_key_id=access_key_id, secret=secret, until=until)
    return access_key_id, secret


def _parameters(ctx: Context, stack: Stack) -> dict[str, str]:
    """The original's names, which its installers read, and three of our own.

    The OpsWorks client writes them into an unquoted shell text: no value may hold a dollar, a backquote or a backslash.
    """
    keys, url = ctx.services.keys, urlsplit(ctx.settings.public_url)
    is_secure = url.scheme == "https"
    us = {
        "endpoint": url.hostname or "",
        "port": str(url.port or (443 if is_secure else 80)),
        "region": stack.region,
        "ssl_verify_peer": str(is_secure).lower(),
        "use_ssl": str(is_secure).lower(),
    }
    folder, _, tgz = INSTALLER_PATH.rpartition("/")
    root = load_public(keys.root_public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "agent_installer_base_url": f"{ctx.settings.public_url}{folder}",
        "agent_installer_tgz": tgz,
        "assets_download_bucket": "toque-assets",
        **({"ca_pem": _certificates(Path(ctx.settings.ca_file))} if ctx.settings.ca_file else {}),
        "charlie_public_key": root.decode("ascii"),
        **{f"{service}_{name}": value for service in ("instance_service", "ops_works") for name, value in us.items()},
        "root_fingerprint": keys.root_fingerprint,
        "server_url": ctx.settings.public_url,
        "verbose": "false",
        "wait_between_runs": f"{ctx.settings.contact.shortest.total_seconds():.0f}",
    }


def _certificates(path: Path) -> str:
    """The certificates of a PEM file, without what people and programs write between them."""
    found = _CERTIFICATE.findall(path.read_text(encoding="utf-8", errors="replace"))
    return "".join(f"{each}\n" for each in found)
