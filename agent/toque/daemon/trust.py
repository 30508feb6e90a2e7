"""What the agent believes: the root key of its token, the online keys that it names, and what those sign."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from toque.protocol.canonical import digest
from toque.protocol.keys import BadKey, fingerprint, from_text, load_public
from toque.protocol.messages import CommandEnvelope, Manifest, RootManifest, SignedObject, SignedTime
from toque.protocol.names import BadName, check_id, check_recipe_name
from toque.protocol.signed import BadSignature, Kind, open_signed

T = TypeVar("T")
OnlineKeys = Mapping[str, Ed25519PublicKey]


class NotBelieved(Exception):
    """Something that came from the server, or from somebody between, is refused. `reason` is one word (S6)."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclass(frozen=True)
class Root:
    """A root manifest that was checked, and the online keys it names."""

    manifest: RootManifest
    keys: OnlineKeys


def read_root(obj: SignedObject, root_fingerprint: str) -> Root:
    """Check a root manifest against the fingerprint that the join token brought; NotBelieved otherwise."""
    try:
        claimed = msgspec.json.decode(base64.b64decode(obj.payload, validate=True), type=RootManifest)
        public = from_text(claimed.root_public)
        if fingerprint(public) != root_fingerprint:
            raise NotBelieved("root", "the server's root key is not the one that the join token names")
        manifest = _read(obj, "root", {obj.key: load_public(public)}, RootManifest)
        keys = {each.key_id: load_public(from_text(each.public)) for each in manifest.online_keys}
    except (BadKey, binascii.Error, msgspec.DecodeError) as wrong:
        raise NotBelieved("root", str(wrong)) from wrong
    return Root(manifest, keys)


def read_time(obj: SignedObject | None, keys: OnlineKeys, nonce: str) -> float:
    """The server's clock, signed in answer to the request that bore this nonce; NotBelieved otherwise."""
    if obj is None:
        raise NotBelieved("time", "there is no signed time")
    said = _read(obj, "time", keys, SignedTime)
    if said.nonce != nonce:
        raise NotBelieved("time", "the signed time answers another request")
    return said.now


def read_manifest(obj: SignedObject, keys: OnlineKeys, installation_id: str, stack_id: str) -> Manifest:
    """A policy manifest of this stack; whether it is current is judged in `policy`."""
    manifest = _read(obj, "policy", keys, Manifest)
    if (manifest.installation_id, manifest.stack_id) != (installation_id, stack_id):
        raise NotBelieved("policy_stack", "this policy is of another installation or stack")
    return manifest


def read_command(obj: SignedObject, keys: OnlineKeys) -> CommandEnvelope:
    """A command's envelope with a right signature and a right shape; to whom and when it counts is judged next."""
    envelope = _read(obj, "command", keys, CommandEnvelope)
    try:
        check_id(envelope.command_id)
        for step in envelope.steps:
            for recipe in step.recipes:
                check_recipe_name(recipe)
    except BadName as wrong:
        raise NotBelieved("shape", str(wrong)) from wrong
    return envelope


def judge_command(
    envelope: CommandEnvelope, *, installation_id: str, instance_id: str, now: float, highest_dispatch: int
) -> None:
    """Raise NotBelieved when an authentic command is not for this node, or not for now (S6, R5, R9)."""
    if envelope.installation_id != installation_id:
        raise NotBelieved("installation", envelope.installation_id)
    if envelope.instance_id != instance_id:
        raise NotBelieved("instance", envelope.instance_id)
    if envelope.expires_at <= now:
        raise NotBelieved("expired", f"{now - envelope.expires_at:.0f} s ago")
    if envelope.dispatch <= highest_dispatch:
        raise NotBelieved("dispatch", f"{envelope.dispatch} is not above {highest_dispatch}")
    try:
        sealed = base64.b64decode(envelope.sealed, validate=True)
    except binascii.Error as wrong:
        raise NotBelieved("data_digest", str(wrong)) from wrong
    if digest(sealed) != envelope.data_digest:
        raise NotBelieved("data_digest")


def _read(obj: SignedObject, kind: Kind, keys: OnlineKeys, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(open_signed(obj, kind, keys), type=type_)
    except BadSignature as wrong:
        raise NotBelieved("signature", str(wrong)) from wrong
    except msgspec.DecodeError as wrong:
        raise NotBelieved("shape", str(wrong)) from wrong
