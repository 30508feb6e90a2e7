from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from toque_server.cli import server
from toque_server.security import keys
from toque_server.settings import load
from toque_server.store import audit
from toque_server.store.database import Database


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def made(data_dir: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(run(data_dir, "init", "--output=json").stdout)
    return said


def run(data_dir: Path, name: str, *arguments: str) -> Result:
    return CliRunner().invoke(server, [name, f"--data-dir={data_dir}", *arguments])


def test_init_prints_every_secret_once_and_says_what_to_do(data_dir: Path) -> None:
    said = run(data_dir, "init").stdout

    for word in ("console_password", "access_key_id", "secret_access_key", "api_token", "root.key", "toque server run"):
        assert word in said
    assert data_dir.stat().st_mode & 0o777 == 0o700


def test_init_keeps_the_account_of_an_old_fleet(data_dir: Path) -> None:
    said = json.loads(run(data_dir, "init", "--account-id=123456789012", "--output=json").stdout)

    assert said["account_id"] == "123456789012"
    assert run(data_dir / "x", "init", "--account-id=12").exit_code == 2


def test_an_init_that_did_not_finish_is_named(data_dir: Path, made: dict[str, Any]) -> None:
    (data_dir / "server.toml").unlink()

    again = run(data_dir, "init")

    assert (again.exit_code, "did not finish" in again.output) == (1, True)


def test_users_keys_and_tokens_are_made_and_recorded(data_dir: Path, made: dict[str, Any]) -> None:
    user = json.loads(run(data_dir, "create-user", "ann", "--output=json").stdout)
    key = json.loads(run(data_dir, "create-access-key", "ann", "--output=json").stdout)
    token = run(data_dir, "create-api-token", "ann", "--days=30").stdout

    assert user["arn"] == f"arn:aws:iam::{made['account_id']}:user/ann"
    assert len(key["secret_access_key"]) == 40
    assert token.startswith("tqa_")
    database = Database(load(data_dir).database)
    with database.read() as conn:
        assert list(audit.broken_links(conn)) == []
    database.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create-user", "admin"), "there is a user admin already"),
        (("create-user", "a b"), "not allowed"),
        (("create-access-key", "bob"), "there is no user bob; there are: admin"),
    ],
)
def test_a_user_that_cannot_be_is_refused(
    data_dir: Path, made: dict[str, Any], arguments: tuple[str, str], said: str
) -> None:
    refused = run(data_dir, *arguments)

    assert (refused.exit_code, said in refused.output) == (1, True)


def test_doctor_is_content_with_a_new_installation_but_for_the_root_key(data_dir: Path, made: dict[str, Any]) -> None:
    findings = json.loads(run(data_dir, "doctor", "--output=json").stdout)["findings"]

    assert [each["about"] for each in findings if each["verdict"] != "good"] in (["root key"], ["disk", "root key"])


def test_doctor_sees_an_open_directory(data_dir: Path, made: dict[str, Any]) -> None:
    data_dir.chmod(0o755)

    looked = run(data_dir, "doctor")

    assert (looked.exit_code, "chmod 700" in looked.stdout) == (1, True)


def test_S12_a_backup_opens_as_a_database_and_holds_no_key(
    data_dir: Path, made: dict[str, Any], tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar.gz"

    done = run(data_dir, "backup", str(archive))

    assert done.exit_code == 0, done.output
    with tarfile.open(archive) as found:
        names = found.getnames()
        found.extract("toque.db", tmp_path / "restored")
        everything = b"".join(part.read() for name in names if (part := found.extractfile(name)))
    assert not [name for name in names if name.endswith(".key")]
    for secret in ("console_password", "secret_access_key", "api_token"):
        assert made[secret].encode() not in everything
    restored = Database(f"sqlite:///{tmp_path}/restored/toque.db")
    restored.check_schema()
    restored.close()
    assert archive.stat().st_mode & 0o777 == 0o600
    assert run(data_dir, "backup", str(archive)).exit_code == 1


def test_the_online_key_is_renewed_with_the_root_key_only(data_dir: Path, made: dict[str, Any], tmp_path: Path) -> None:
    before = keys.load(data_dir / "keys")
    root = tmp_path / "elsewhere.key"
    (data_dir / "root.key").rename(root)

    assert run(data_dir, "rotate-key", f"--root-key={root}").exit_code == 0
    assert run(data_dir, "recover", f"--root-key={root}").exit_code == 0

    after = keys.load(data_dir / "keys")
    assert after.online_id != before.online_id
    assert after.manifest.recovery_epoch == before.manifest.recovery_epoch + 1
    wrong = run(data_dir, "rotate-key", f"--root-key={data_dir}/keys/{after.online_id}.key")
    assert (wrong.exit_code, "not the root key of this installation" in wrong.output) == (1, True)


def test_a_new_master_key_leaves_no_former_one_in_use(data_dir: Path, made: dict[str, Any]) -> None:
    before = keys.load_master(data_dir / "keys")

    done = run(data_dir, "rekey")

    assert done.exit_code == 0, done.output
    assert keys.load_masters(data_dir / "keys") != [before]
    assert len(keys.load_masters(data_dir / "keys")) == 1
    assert run(data_dir, "create-access-key", "admin").exit_code == 0
