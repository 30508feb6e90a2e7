"""The installer that `register` brings to a machine: made of this server's own files, the same each time."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import msgspec
import pytest

from toque_server.installer import wheel
from toque_server.installer.archive import FOLDER, Installer
from toque_server.operations.context import Services
from toque_server.operations.provisioning import INSTALLER_PATH
from toque_server.settings import Settings
from toque_server.wsgi import create_app


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return {each.name: each for each in archive.getmembers()}


def content(data: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        found = archive.extractfile(f"{FOLDER}/{name}")
        assert found is not None
        return found.read()


def test_08_26_the_address_serves_a_tar_with_an_executable_boot_registration(services: Services) -> None:
    answer = create_app(services).flask.test_client().get(INSTALLER_PATH)

    assert (answer.status_code, answer.mimetype) == (200, "application/gzip")
    script = members(answer.data)[f"{FOLDER}/boot-registration"]
    assert script.mode == 0o755
    assert content(answer.data, "boot-registration").startswith(b"#!/bin/sh\n")
    assert (script.uid, script.gid, script.mtime) == (0, 0, 0)


def test_the_same_parts_give_the_same_bytes_and_a_changed_one_others(settings: Settings, tmp_path: Path) -> None:
    first = Installer(settings).path()
    data = first.read_bytes()
    first.unlink()
    again = Installer(settings).path()
    assert (again, again.read_bytes()) == (first, data)

    (tmp_path / "installer-wheels").mkdir()
    (tmp_path / "installer-wheels" / "more-1.0-py3-none-any.whl").write_bytes(b"a wheel")
    other = Installer(settings).path()

    assert content(other.read_bytes(), "wheels/more-1.0-py3-none-any.whl") == b"a wheel"
    assert not first.exists()


def test_an_authority_of_our_own_travels_in_it(settings: Settings, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("a certificate\n")

    with_ca = Installer(msgspec.structs.replace(settings, ca_file=str(ca))).path().read_bytes()

    assert content(with_ca, "ca.pem") == b"a certificate\n"
    assert f"{FOLDER}/ca.pem" not in members(Installer(settings).path().read_bytes())


def test_the_wheel_is_one_that_its_own_record_vouches_for() -> None:
    folder = wheel.package()
    name, data = wheel.build(folder, wheel.about(folder))

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        [record] = [each for each in names if each.endswith(".dist-info/RECORD")]
        rows = list(csv.reader(archive.read(record).decode().splitlines()))
        for path, digest, size in rows[:-1]:
            found = archive.read(path)
            said = base64.urlsafe_b64encode(hashlib.sha256(found).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={said}", str(len(found)))
        said_metadata = archive.read(record.replace("RECORD", "METADATA")).decode()

    assert [row[0] for row in rows] == names
    assert rows[-1] == [record, "", ""]
    assert name == f"{record.split('.dist-info')[0]}-py3-none-any.whl"
    assert "Requires-Dist: msgspec" in said_metadata
    assert "extra ==" not in said_metadata
    assert not [each for each in names if each.startswith("toque_server/") or "__pycache__" in each]
    assert wheel.build(folder, wheel.about(folder)) == (name, data)


@pytest.mark.slow
def test_pip_installs_the_wheel_and_its_programs_run(tmp_path: Path) -> None:
    folder = wheel.package()
    name, data = wheel.build(folder, wheel.about(folder))
    (tmp_path / name).write_bytes(data)
    target = tmp_path / "target"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]

    done = subprocess.run(
        [*pip, "--no-index", "--no-deps", "--target", str(target), str(tmp_path / name)], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    # Where its requirements are, this Python knows: those of this test run.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(target)}
    said = subprocess.run([target / "bin" / "toque", "--help"], capture_output=True, text=True, env=environment)
    assert said.returncode == 0, said.stderr
    assert "Keep machines in the state" in said.stdout


def test_a_server_whose_files_are_not_whole_says_so(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toque_server.installer.wheel.find_spec", lambda name: None)

    answer = create_app(services).flask.test_client().get(INSTALLER_PATH)

    assert answer.status_code == 503
    assert "the server's log says why" in answer.text


def test_a_part_with_another_time_is_packed_anew(settings: Settings, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("one\n")
    installer = Installer(msgspec.structs.replace(settings, ca_file=str(ca)))
    installer.path()

    ca.write_text("two\n")
    os.utime(ca, ns=(time.time_ns(), ca.stat().st_mtime_ns + 1))

    assert content(installer.path().read_bytes(), "ca.pem") == b"two\n"
