"""The server's own keys: which there are, where they lie, and what they vouch for (security.md 2.9).

keys/master.key         seals secrets in the database (envelope); 0600, never in the database nor in its backup
keys/online-N.key       signs commands, policies and times; 90 days
keys/root.json          the root manifest: which online keys count; signed by the root key; a year
keys/installation.json  the ids of this installation
root.key                the root key; only `init` writes it, and the operator moves it away from the machine
"""

from __future__ import annotations

import os
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from toque.protocol import keys as pieces
from toque.protocol.canonical import canonical
from toque.protocol.durable import write_durably
from toque.protocol.messages import OnlineKey, RootManifest, SignedObject
from toque.protocol.signed import open_signed, sign
from toque_server.security.envelope import fingerprint_of

MANIFEST_LIFE = timedelta(days=365)
ONLINE_LIFE = timedelta(days=90)
ROOT_KEY_ID = "root"
ROOT_FILE = "root.key"
FORMER = "master.former.key"


class BadKeys(Exception):
    """The key files are missing, readable by others, or do not belong together; the message says which and how."""


class WrongRootKey(Exception):
    """The key offered as the root key is not the one that nodes of this installation trust."""


@dataclass(frozen=True, kw_only=True)
class ServerKeys:
    """What a running server signs with. The root key is not among them: it lies where the operator moved it.

    `online_id` is the key id that signed objects bear; `root` is the signed root manifest, as nodes get it;
    `root_public` and `root_fingerprint` are what join tokens pin.
    """

    installation_id: str
    account_id: str
    online_id: str
    online: Ed25519PrivateKey = field(repr=False)
    root: SignedObject
    root_public: bytes
    root_fingerprint: str

    @property
    def manifest(self) -> RootManifest:
        payload = open_signed(self.root, "root", {ROOT_KEY_ID: pieces.load_public(self.root_public)})
        return msgspec.json.decode(payload, type=RootManifest)

    def derive(self, purpose: str) -> bytes:
        """32 bytes that only this installation's servers know, the same on each until the online key is renewed.

        For what is signed by us and checked by us, within hours: page tokens, links to logs, form tokens.
        """
        seed = self.online.private_bytes_raw()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"toque {purpose}".encode()).derive(seed)


@dataclass(frozen=True, kw_only=True)
class NewKeys:
    """What `init` makes: the running server's keys, and the two secrets that live elsewhere."""

    running: ServerKeys
    root: Ed25519PrivateKey = field(repr=False)
    master: bytes = field(repr=False)


def make_keys(*, account_id: str | None = None, now: float | None = None) -> NewKeys:
    """Keys for a new installation. An account id has twelve digits, as clients expect; one is made up if not given."""
    issued = time.time() if now is None else now
    root = pieces.new_signing_key()
    installation_id = str(uuid.uuid4())
    manifest = RootManifest(
        installation_id=installation_id,
        version=1,
        recovery_epoch=0,
        online_keys=(),
        root_public=pieces.to_text(pieces.public_bytes(root)),
        issued_at=issued,
        expires_at=issued + MANIFEST_LIFE.total_seconds(),
    )
    account = account_id or f"{secrets.randbelow(900_000_000_000) + 100_000_000_000}"
    return NewKeys(running=_with_new_online(manifest, root, account), root=root, master=os.urandom(32))


def renew_online(
    keys: ServerKeys, root: Ed25519PrivateKey, *, recovery_epoch: int | None = None, now: float | None = None
) -> ServerKeys:
    """The same installation with a new online key, vouched for by a newer root manifest. Raises WrongRootKey.

    The key before stays in the manifest, so what it signed a moment ago still opens; the one before that is dropped.
    """
    if pieces.public_bytes(root) != keys.root_public:
        raise WrongRootKey(
            "this is not the root key of this installation: nodes trust the key with fingerprint "
            f"{keys.root_fingerprint}, this one has {pieces.fingerprint(pieces.public_bytes(root))}"
        )
    issued = time.time() if now is None else now
    before = keys.manifest
    manifest = msgspec.structs.replace(
        before,
        version=before.version + 1,
        recovery_epoch=before.recovery_epoch if recovery_epoch is None else recovery_epoch,
        online_keys=before.online_keys[:1],
        issued_at=issued,
        expires_at=issued + MANIFEST_LIFE.total_seconds(),
    )
    return _with_new_online(manifest, root, keys.account_id)


def save(directory: Path, keys: ServerKeys, master: bytes | None = None) -> None:
    """Write the running server's key files, each whole or not at all. The manifest comes last: it makes them count."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if master is not None:
        save_master(directory, master)
    ids = {"installation_id": keys.installation_id, "account_id": keys.account_id}
    write_durably(directory / "installation.json", msgspec.json.encode(ids))
    pieces.write_private(directory / f"{keys.online_id}.key", keys.online)
    write_durably(directory / "root.json", msgspec.json.encode(keys.root))


def save_master(directory: Path, master: bytes, name: str = "master.key") -> None:
    write_durably(directory / name, pieces.to_text(master).encode() + b"\n", mode=0o600)


def load(directory: Path) -> ServerKeys:
    """The running server's keys. Raises BadKeys."""
    try:
        ids = msgspec.json.decode((directory / "installation.json").read_bytes(), type=dict[str, str])
        root = msgspec.json.decode((directory / "root.json").read_bytes(), type=SignedObject)
        manifest = msgspec.json.decode(pieces.from_text(root.payload), type=RootManifest)
        first = manifest.online_keys[0]
        online = pieces.read_signing_key(directory / f"{first.key_id}.key")
    except FileNotFoundError as error:
        raise BadKeys(f"{error.filename} is missing: restore it from your copy of {directory}") from None
    except (msgspec.MsgspecError, pieces.BadKey, KeyError, IndexError) as error:
        raise BadKeys(f"{directory}: {error}") from None
    if pieces.to_text(pieces.public_bytes(online)) != first.public:
        raise BadKeys(f"{directory}/{first.key_id}.key is not the key that root.json vouches for")
    public = pieces.from_text(manifest.root_public)
    return ServerKeys(
        installation_id=ids["installation_id"],
        account_id=ids["account_id"],
        online_id=first.key_id,
        online=online,
        root=root,
        root_public=public,
        root_fingerprint=pieces.fingerprint(public),
    )


def load_master(directory: Path, name: str = "master.key") -> bytes:
    """The key that seals secrets in the database. Raises BadKeys."""
    path = directory / name
    try:
        # A master key has the form of every private key here: 32 bytes in base64, readable by its owner only.
        return pieces.read_signing_key(path).private_bytes_raw()
    except FileNotFoundError:
        raise BadKeys(f"{path} is missing, and without it no secret in the database opens: restore your copy") from None
    except pieces.BadKey as error:
        raise BadKeys(str(error)) from None


def load_masters(directory: Path) -> list[bytes]:
    """The present master key, and behind it the one before while a rekey is under way. Raises BadKeys."""
    former = [load_master(directory, FORMER)] if (directory / FORMER).exists() else []
    return [load_master(directory), *former]


def begin_rekey(directory: Path) -> None:
    """Put a new master key in place and keep the one before beside it. Called again after a kill, it goes on.

    In this order, so that at every moment the key of whatever is in the database lies in one of the two files.
    """
    if (directory / FORMER).exists() and load_master(directory, FORMER) != load_master(directory):
        return
    save_master(directory, load_master(directory), FORMER)
    save_master(directory, os.urandom(32))


def end_rekey(directory: Path) -> Path:
    """Nothing in the database needs the former key any more: put it away, for backups made before. Where it lies."""
    retired = directory / "retired"
    retired.mkdir(mode=0o700, exist_ok=True)
    kept = retired / f"master-{fingerprint_of(load_master(directory, FORMER))}.key"
    (directory / FORMER).replace(kept)
    return kept


def _with_new_online(manifest: RootManifest, root: Ed25519PrivateKey, account_id: str) -> ServerKeys:
    """Put a fresh online key first in the manifest, and sign that."""
    online = pieces.new_signing_key()
    online_id = f"online-{manifest.version}"
    entry = OnlineKey(key_id=online_id, public=pieces.to_text(pieces.public_bytes(online)))
    manifest = msgspec.structs.replace(manifest, online_keys=(entry, *manifest.online_keys))
    public = pieces.public_bytes(root)
    return ServerKeys(
        installation_id=manifest.installation_id,
        account_id=account_id,
        online_id=online_id,
        online=online,
        root=sign("root", canonical(msgspec.to_builtins(manifest)), root, ROOT_KEY_ID),
        root_public=public,
        root_fingerprint=pieces.fingerprint(public),
    )
