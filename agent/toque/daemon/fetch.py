"""What a run needs and the node lacks: manifest, parts and bundles, each fetched once and kept by its digest (S8)."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from toque.daemon.client import Client, Refused, Signer
from toque.daemon.state import State
from toque.daemon.trust import NotBelieved
from toque.daemon.unpacked import listing_path, save_listing
from toque.protocol.canonical import digest
from toque.protocol.messages import (
    BUNDLE_PATH,
    MANIFEST_PATH,
    PARTS_PATH,
    BundleRef,
    BundleRequest,
    ManifestRequest,
    PartsAnswer,
    PartsRequest,
    SignedObject,
)

PARTS_PER_REQUEST: Final = 500
KEPT_RUNS: Final = 30
_UNPACK_LIMIT: Final = 600.0


class BadFetch(Exception):
    """What the server gave is not what was signed, or cannot be unpacked; another attempt gives the same."""


class Fetcher:
    """Reads through the caches of `state`."""

    def __init__(self, state: State, client: Client) -> None:
        self._state = state
        self._client = client

    def manifest(self, version: int, payload_digest: str, signer: Signer) -> SignedObject:
        """The signed manifest whose payload has this digest; NotBelieved when the server gives another."""
        path = self._state.manifests / f"{payload_digest}.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=SignedObject)
        except (FileNotFoundError, msgspec.DecodeError):
            pass
        obj = self._client.send(MANIFEST_PATH, ManifestRequest(version), signer, SignedObject)
        payload = msgspec.json.decode(f'"{obj.payload}"', type=bytes)
        if digest(payload) != payload_digest:
            raise NotBelieved("manifest_digest", f"the manifest of version {version} is not the one the command names")
        _store(path, msgspec.json.encode(obj))
        for old in sorted(self._state.manifests.iterdir(), key=lambda each: each.stat().st_mtime)[:-10]:
            old.unlink(missing_ok=True)
        return obj

    def parts(self, wanted: dict[str, str], signer: Signer) -> dict[str, dict[str, Any]]:
        """From part names to bag items, given part names to digests."""
        texts = {each: text for each in set(wanted.values()) if (text := self._kept_part(each)) is not None}
        missing = sorted(set(wanted.values()) - texts.keys())
        for start in range(0, len(missing), PARTS_PER_REQUEST):
            batch = tuple(missing[start : start + PARTS_PER_REQUEST])
            answer = self._client.send(PARTS_PATH, PartsRequest(batch), signer, PartsAnswer)
            for each in batch:
                text = answer.parts.get(each, "").encode()
                if digest(text) != each:
                    raise BadFetch(f"the server has no part {each}, or another text for it")
                _store(self._state.parts / each, text)
                texts[each] = text
        self._forget_parts(set(wanted.values()))
        return {name: msgspec.json.decode(texts[each]) for name, each in wanted.items()}

    def cookbooks(self, ref: BundleRef, signer: Signer) -> Path:
        """The directory with the unpacked bundle; BadFetch when it is not what was signed."""
        _check_digest(ref.digest)
        place = self._state.cookbooks / ref.digest
        if place.is_dir() and listing_path(place).exists():
            return place
        archive = self._state.bundles / f"{ref.digest}.tar.gz"
        self._download(ref, archive, signer)
        _unpack(archive, place, ref)
        save_listing(place)
        archive.unlink(missing_ok=True)
        return place

    def forget_old(self, keep: Iterable[str]) -> None:
        """Remove run directories beyond the newest thirty, but those in `keep`, and cookbooks that no run links to."""
        keep = set(keep)
        runs = sorted(self._state.runs.glob("*"), key=lambda each: each.stat().st_mtime)
        for run in runs[:-KEPT_RUNS]:
            if run.name not in keep:
                shutil.rmtree(run, ignore_errors=True)
                self._state.lock(run.name).unlink(missing_ok=True)
        linked = {link.resolve().name for link in self._state.runs.glob("*/cookbooks/*")}
        for place in self._state.cookbooks.iterdir():
            if place.name.partition(".")[0] not in linked:
                shutil.rmtree(place) if place.is_dir() else place.unlink()

    def _kept_part(self, wanted: str) -> bytes | None:
        _check_digest(wanted)
        try:
            text = (self._state.parts / wanted).read_bytes()
        except FileNotFoundError:
            return None
        return text if digest(text) == wanted else None

    def _forget_parts(self, current: set[str]) -> None:
        kept = list(self._state.parts.iterdir())
        if len(kept) > 4 * len(current) + 1000:
            for part in kept:
                if part.name not in current:
                    part.unlink(missing_ok=True)

    def _download(self, ref: BundleRef, archive: Path, signer: Signer) -> None:
        beside = archive.with_name(f"{archive.name}.part")
        found, size = hashlib.sha256(), 0
        try:
            with beside.open("wb") as file:
                for piece in self._client.download(BUNDLE_PATH, BundleRequest(ref.digest), signer, ref.size):
                    size += len(piece)
                    if size > ref.size:
                        raise BadFetch(f"the bundle {ref.digest} is longer than the signed {ref.size} bytes")
                    found.update(piece)
                    file.write(piece)
            if size != ref.size or found.hexdigest() != ref.digest:
                raise BadFetch(f"the bundle {ref.digest} has another content than the signed one")
            beside.replace(archive)
        except Refused as refused:
            raise BadFetch(f"the server refuses the bundle {ref.digest}: {refused}") from refused
        finally:
            beside.unlink(missing_ok=True)


def _unpack(archive: Path, place: Path, ref: BundleRef) -> None:
    """In a process of its own: the code that reads foreign archives stays out of the resident one."""
    beside = place.with_name(f"{place.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    listing_path(place).unlink(missing_ok=True)
    shutil.rmtree(place, ignore_errors=True)
    argv = [sys.executable, "-m", "toque.daemon.unpacking", str(archive), str(beside), ref.digest, str(ref.size)]
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=_UNPACK_LIMIT, check=False)
    if done.returncode != 0:
        shutil.rmtree(beside, ignore_errors=True)
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise BadFetch(f"the bundle {ref.digest} cannot be unpacked: {lines[-1]}")
    beside.rename(place)


def _check_digest(text: str) -> None:
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise BadFetch(f"{text[:80]!r} is no digest")


def _store(path: Path, data: bytes) -> None:
    """Whole or absent, but not synced: what is damaged by a power loss is seen by its digest and fetched again."""
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    beside.replace(path)
