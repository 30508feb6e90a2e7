"""What `boot-registration` of the installer does once there is a Python with Toque: this machine joins a stack.

    python -m toque.cli.boot_registration FOLDER      FOLDER: the unpacked installer, with `preconfig` in it

It registers the machine with the identity that `register` was given, joins as the instance that this made, and starts
the agent. All of it can be repeated: a machine that has registered and not joined yet goes on where it was.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from toque.cli import agent_service, metadata_service
from toque.cli.connection import CallFailed, Connection
from toque.cli.metadata_service import NoMetadata
from toque.cli.preconfig import BadPreconfig, Preconfig, read
from toque.core import Host, LocalHost, ToqueError
from toque.daemon.client import Refused, Unreachable
from toque.daemon.config import DEFAULT_PATH, AgentConfig, BadConfig, check_server_url, load_config
from toque.daemon.enrol import enrol
from toque.daemon.identity import Identity, load_identity
from toque.daemon.leave import note_installed
from toque.daemon.state import BadState, State
from toque.daemon.trust import NotBelieved
from toque.protocol.durable import write_durably
from toque.protocol.keys import BadKey, new_signing_key, read_signing_key, write_private
from toque.protocol.registration import own_token, public_pem

CA_NAME: Final = "ca.pem"
MADE_BY_US: Final = "TOQUE_INSTALLER_MADE"
"""Environment: what `boot-registration` itself has put on this machine, to be removed when it leaves its stack."""

_OPSWORKS: Final = "OpsWorks_20130218"
_ATTEMPT: Final = "registration.json"
_KEY_SECONDS: Final = 45 * 60
"""A key that registered longer ago cannot join any more; the server forgets it after an hour."""

_EXPECTED = (
    *(BadConfig, BadKey, BadPreconfig, BadState, CallFailed, NoMetadata, NotBelieved, OSError, Refused),
    *(ToqueError, Unreachable),
)


class Attempt(msgspec.Struct, frozen=True):
    """A registration under way: its key, and the record that it made once it has."""

    stack_id: str
    key: str
    begun_at: float
    instance_id: str = ""


class AlreadyRegistered(Exception):
    def __init__(self, identity: Identity) -> None:
        super().__init__(
            f"this machine is instance {identity.instance_id} of stack {identity.stack_id} already: deregister it "
            f"first (toque opsworks deregister-instance --instance-id {identity.instance_id})"
        )


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 when the machine is registered and its agent runs, 1 when not; why is on stderr."""
    [folder] = arguments
    try:
        identity = register(Path(folder), LocalHost())
    except (*_EXPECTED, AlreadyRegistered) as wrong:
        print(f"boot-registration: {wrong}", file=sys.stderr)
        return 1
    print(f"this machine is instance {identity.instance_id} of stack {identity.stack_id}, and its agent runs")
    return 0


def register(folder: Path, host: Host, environ: Mapping[str, str] = os.environ) -> Identity:
    """Bring this machine into the stack of `preconfig`. Raises AlreadyRegistered where it is in another."""
    given = read(folder / "preconfig")
    config = load_config(None, environ)
    state = State(Path(config.state_dir))
    identity = load_identity(state)
    if identity is not None and identity.stack_id != given.stack_id:
        raise AlreadyRegistered(identity)
    installed = [environ[MADE_BY_US]] if environ.get(MADE_BY_US) else []
    if identity is None:
        settings = Path(environ.get("TOQUE_AGENT_CONFIG", str(DEFAULT_PATH)))
        config = _configured(config, given, settings.parent, folder)
        identity = _join(state, config, given)
        (state.root / _ATTEMPT).unlink(missing_ok=True)
        _keep_settings(config, settings)
        installed += [str(settings), *([config.ca_file] if config.ca_file else [])]
    # The interpreter that runs this has Toque; where the program of that name is, nobody need know.
    command = [sys.executable, "-m", "toque.daemon.main"]
    installed += agent_service.install(host, command, unit=folder / "toque-agent.service")
    note_installed(state, installed)
    return identity


def _configured(config: AgentConfig, given: Preconfig, etc: Path, folder: Path) -> AgentConfig:
    """The agent's settings for this server; what an administrator has set besides stays."""
    ca_pem = given.ca_pem or _text_of(folder / CA_NAME)
    ca_file = etc / CA_NAME
    if ca_pem:
        etc.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_durably(ca_file, ca_pem.encode(), mode=0o644)
    return msgspec.structs.replace(
        config,
        server_url=check_server_url(given.server_url),
        ca_file=str(ca_file) if ca_pem else "",
        hostname=given.hostname,
        address=given.private_ip,
        provider_instance_id=metadata_service.identity().instance_id if given.is_cloud else "",
    )


def _join(state: State, config: AgentConfig, given: Preconfig) -> Identity:
    """Make the record with a key of our own, and join as it. What was done is on disk before the next step."""
    held = state.hold(wait=False)
    try:
        attempt = _attempt(state, given.stack_id)
        key = read_signing_key(_key_file(state, attempt))
        if not attempt.instance_id:
            attempt = msgspec.structs.replace(attempt, instance_id=_register_instance(config, given, key))
            write_durably(state.root / _ATTEMPT, msgspec.json.encode(attempt))
        try:
            return enrol(state, config, own_token(attempt.instance_id, key, given.root_fingerprint))
        except Refused:
            # Nobody can join as this record any more: the next attempt begins anew.
            (state.root / _ATTEMPT).unlink()
            raise
    finally:
        os.close(held)


def _attempt(state: State, stack_id: str) -> Attempt:
    """The attempt that did not come to its end, as long as its key can still join, or a new one."""
    path, now = state.root / _ATTEMPT, time.time()
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Attempt)
    except (FileNotFoundError, msgspec.DecodeError):
        known = None
    if (
        known
        and known.stack_id == stack_id
        and now - known.begun_at < _KEY_SECONDS
        and _key_file(state, known).exists()
    ):
        return known
    attempt = Attempt(stack_id, f"registration-{secrets.token_hex(8)}", now)
    write_private(_key_file(state, attempt), new_signing_key())
    write_durably(path, msgspec.json.encode(attempt))
    return attempt


def _key_file(state: State, attempt: Attempt) -> Path:
    # Among the keys of the agent, which forgets those that are not its own once it has joined.
    return state.keys / f"{attempt.key}.signing"


def _register_instance(config: AgentConfig, given: Preconfig, key: Ed25519PrivateKey) -> str:
    if not given.access_key_id:
        profile = metadata_service.profile_key()
        given = msgspec.structs.replace(
            given, access_key_id=profile.access_key_id, secret_access_key=profile.secret_access_key
        )
    server = Connection(
        server_url=config.server_url,
        access_key_id=given.access_key_id,
        secret_access_key=given.secret_access_key,
        ca_file=config.ca_file or None,
    )
    members: dict[str, Any] = {"StackId": given.stack_id, "RsaPublicKey": public_pem(key)}
    overridden = {"Hostname": given.hostname, "PrivateIp": given.private_ip, "PublicIp": given.public_ip}
    members |= {name: value for name, value in overridden.items() if value}
    if given.is_cloud:
        who = metadata_service.identity()
        members["InstanceIdentity"] = {"Document": who.document, "Signature": who.signature}
    # It may be repeated: the server knows a machine by its key.
    return str(server.call("RegisterInstance", _OPSWORKS, members, reads=True)["InstanceId"])


def _keep_settings(config: AgentConfig, path: Path) -> None:
    """Write agent.toml: what differs from what an agent takes by itself."""
    usual = msgspec.structs.asdict(AgentConfig())
    chosen = {name: value for name, value in msgspec.structs.asdict(config).items() if value != usual[name]}
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    # A JSON string or number is TOML, too.
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in chosen.items())
    write_durably(path, text.encode(), mode=0o644)


def _text_of(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
