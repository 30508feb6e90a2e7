from __future__ import annotations

import stat
from pathlib import Path

import pytest

from toque.protocol import keys as pieces
from toque.protocol.signed import BadSignature, open_signed
from toque_server.security import keys
from toque_server.security.keys import BadKeys, WrongRootKey


def test_the_root_key_vouches_for_the_online_key() -> None:
    new = keys.make_keys(account_id="123456789012")

    manifest = new.running.manifest

    assert manifest.installation_id == new.running.installation_id
    assert manifest.online_keys[0].public == pieces.to_text(pieces.public_bytes(new.running.online))
    with pytest.raises(BadSignature):
        open_signed(new.running.root, "root", {"root": pieces.load_public(pieces.public_bytes(new.running.online))})


def test_keys_come_back_from_their_files_and_are_nobody_elses_to_read(tmp_path: Path) -> None:
    new = keys.make_keys()
    keys.save(tmp_path, new.running, new.master)

    found = keys.load(tmp_path)

    assert (found.installation_id, found.account_id) == (new.running.installation_id, new.running.account_id)
    assert found.online.private_bytes_raw() == new.running.online.private_bytes_raw()
    assert keys.load_master(tmp_path) == new.master
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("*.key")} == {0o600}


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    new = keys.make_keys()
    keys.save(tmp_path, new.running, new.master)
    (tmp_path / "master.key").chmod(0o644)

    with pytest.raises(BadKeys, match="chmod 600"):
        keys.load_master(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadKeys, match=r"installation\.json is missing"):
        keys.load(tmp_path)


def test_a_renewed_online_key_comes_with_a_newer_manifest_and_the_one_before_still_counts() -> None:
    new = keys.make_keys()

    renewed = keys.renew_online(new.running, new.root)

    assert renewed.manifest.version == new.running.manifest.version + 1
    assert [each.key_id for each in renewed.manifest.online_keys] == ["online-2", "online-1"]
    assert renewed.root_fingerprint == new.running.root_fingerprint
    again = keys.renew_online(renewed, new.root)
    assert [each.key_id for each in again.manifest.online_keys] == ["online-3", "online-2"]


def test_only_the_root_key_renews() -> None:
    new = keys.make_keys()

    with pytest.raises(WrongRootKey, match="fingerprint"):
        keys.renew_online(new.running, keys.make_keys().root)


def test_what_is_derived_differs_by_purpose_and_stays_the_same() -> None:
    running = keys.make_keys().running

    assert running.derive("a") == running.derive("a") != running.derive("b")
    assert len(running.derive("a")) == 32
