"""`toque import opsworks` against real servers: what one of them describes, another is made of."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.conftest import services_on
from tests.server.http.saving import SECRETS, alike, saved, shop
from tests.server.http.serving import served
from tests.server.operations.calls import Caller
from toque.cli.group import toque
from toque.cli.importing import shapes
from toque.importer.kinds import KINDS
from toque.importer.layers import NEEDED, TYPES
from toque.importer.reading import read
from toque_server.cli.init import first_administrator
from toque_server.domain.layer_kinds import KINDS as LAYER_KINDS
from toque_server.operations.context import Services
from toque_server.security.keys import ServerKeys
from toque_server.settings import Settings, for_profile
from toque_server.store.database import Database

DUMPS = Path(__file__).parents[2] / "agent/importer/dumps"
Run = Callable[..., Result]


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command line, in front of an empty server."""
    token = first_administrator(services)["api_token"]
    with served(services) as url:
        yield _command(url, token, monkeypatch)


@pytest.fixture(scope="module")
def empty(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, server_keys: ServerKeys
) -> Iterator[tuple[Caller, str, str]]:
    """One empty server for all tests that make nothing: its owner, its address and his token."""
    folder = tmp_path_factory.mktemp("empty")
    shutil.copyfile(sqlite_template, folder / "toque.db")
    database = Database(f"sqlite:///{folder}/toque.db")
    services = services_on(
        database, for_profile("demo", database=f"sqlite:///{folder}/toque.db", data_dir=folder), server_keys
    )
    token = first_administrator(services)["api_token"]
    with served(services) as url:
        yield Caller(services), url, token
    database.close()


@pytest.fixture
def try_out(empty: tuple[Caller, str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command line, where it must make nothing."""
    call, url, token = empty
    yield _command(url, token, monkeypatch)
    assert names(call) == []
    assert call("DescribeDatabases")["Databases"] == []


def _command(url: str, token: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TOQUE_SERVER_URL", url)
    monkeypatch.setenv("TOQUE_API_TOKEN", token)
    return lambda *words: CliRunner().invoke(toque, ["import", "opsworks", *map(str, words)])


@pytest.fixture
def old(tmp_path: Path, sqlite_template: Path, settings: Settings, server_keys: ServerKeys) -> Iterator[Caller]:
    """Another server, whose stacks are saved."""
    shutil.copyfile(sqlite_template, tmp_path / "old.db")
    database = Database(f"sqlite:///{tmp_path}/old.db")
    services = services_on(database, settings, server_keys)
    first_administrator(services)
    yield Caller(services)
    database.close()


def test_an_exported_stack_imported_into_an_empty_server_describes_itself_the_same(
    run: Run, old: Caller, services: Services, tmp_path: Path
) -> None:
    shop(old)
    dump = saved(old, tmp_path / "dump")
    secrets = tmp_path / "secrets"
    secrets.write_text("".join(f"{name}: hidden\n" for name in SECRETS))
    secrets.chmod(0o600)

    imported = run(dump, "--yes", "--secrets", secrets)

    assert imported.exit_code == 0, imported.output
    assert alike(Caller(services)) == alike(old)
    again = run(dump, "--yes", "--secrets", secrets)
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (0, "stack shop: no differences")


def test_the_comparison_sees_everything_that_was_made(old: Caller) -> None:
    shop(old)

    found = alike(old)

    empty = [name.rpartition("/")[2] for name, answer in found.items() if not any(answer.values())]
    assert empty == ["RaidArrays"]
    assert {name.partition("/")[2] for name in found} >= {
        "Layers",
        "Permissions",
        "EcsClusters",
        "time",
        "tags-<front>",
    }


def names(call: Caller) -> list[str]:
    return sorted(each["Name"] for each in call("DescribeStacks")["Stacks"])


def test_a_dry_run_tells_everything_and_makes_nothing(try_out: Run) -> None:
    told = try_out(DUMPS, "--dry-run")

    assert told.exit_code == 10
    for line in (
        "stack shop (8a5bb2a6-1c0e-4d8f-9c7e-2b1f6a0d4c11)",
        "    layers: front, workers, ecs-cluster",
        "  not as it was:",
        "  left out:",
        "  to be done by hand:",
        "    cookbook nginx: port to Python, under the same names: nginx (run by front)",
        "+ layer front",
        "stack shop: 15 to create, 5 to update",
    ):
        assert line in told.stdout.splitlines()


def test_nothing_is_made_where_nobody_can_be_asked(try_out: Run) -> None:
    told = try_out(DUMPS / "shop")

    assert told.exit_code == 2
    assert "this is no terminal, so nobody can be asked: please add --yes, or --dry-run" in told.stderr


def test_what_opsworks_never_showed_is_left_out_until_it_is_given(run: Run, services: Services, tmp_path: Path) -> None:
    call = Caller(services)
    secrets = tmp_path / "secrets"

    first = run(DUMPS / "shop", "--yes")

    assert first.exit_code == 0, first.output
    (stack,) = call("DescribeStacks")["Stacks"]
    store = next(each for each in call("DescribeApps", StackId=stack["StackId"])["Apps"] if each["Name"] == "Store")
    assert [each["Key"] for each in store["Environment"]] == ["STAGE"]
    assert (store["EnableSsl"], store["DataSources"], store["AppSource"].get("SshKey")) == (False, [], None)
    assert call("DescribeRdsDbInstances", StackId=stack["StackId"])["RdsDbInstances"] == []
    assert run(DUMPS / "shop", "--dry-run").exit_code == 0

    secrets.write_text("DATABASE_SHOP_PASSWORD: hidden-1\nAPP_STORE_ENV_API_KEY: hidden-2\n")
    secrets.chmod(0o600)
    second = run(DUMPS / "shop", "--yes", "--secrets", secrets)

    assert second.exit_code == 0, second.output
    assert "hidden" not in second.output
    (database,) = call("DescribeRdsDbInstances", StackId=stack["StackId"])["RdsDbInstances"]
    assert (database["Address"], database["Engine"]) == ("shop.abc.us-east-1.rds.amazonaws.com", "mysql")
    store = next(each for each in call("DescribeApps", StackId=stack["StackId"])["Apps"] if each["Name"] == "Store")
    assert [(each["Key"], each["Secure"]) for each in store["Environment"]] == [("STAGE", False), ("API_KEY", True)]
    assert store["DataSources"][0]["DatabaseName"] == "store"


def test_what_was_set_by_hand_meanwhile_stays(run: Run, services: Services) -> None:
    call = Caller(services)
    run(DUMPS / "shop", "--yes")
    (stack,) = call("DescribeStacks")["Stacks"]
    store = next(each for each in call("DescribeApps", StackId=stack["StackId"])["Apps"] if each["Name"] == "Store")
    variables = [*store["Environment"], {"Key": "API_KEY", "Value": "mine", "Secure": True}]
    call("UpdateApp", AppId=store["AppId"], Environment=variables, AppSource={"SshKey": "mine"})

    again = run(DUMPS / "shop", "--yes")

    assert again.exit_code == 0, again.output
    assert again.stdout.splitlines()[-1] == "stack shop: no differences"


def test_chef_11_and_windows_stacks_are_made_too(run: Run, services: Services) -> None:
    call = Caller(services)

    made = run(DUMPS / "legacy", DUMPS / "windows", "--yes", "--name", "intranet=portal", "--region", "us-west-2=local")

    assert made.exit_code == 0, made.output
    assert names(call) == ["legacy blog", "portal"]
    stacks = {each["Name"]: each for each in call("DescribeStacks")["Stacks"]}
    assert (stacks["legacy blog"]["Region"], stacks["portal"]["Region"]) == ("local", "eu-west-1")
    (app,) = call("DescribeApps", StackId=stacks["legacy blog"]["StackId"])["Apps"]
    assert app["DataSources"][0]["Type"] == "OpsworksMysqlInstance"
    again = run(
        DUMPS / "legacy", DUMPS / "windows", "--dry-run", "--name", "intranet=portal", "--region", "us-west-2=local"
    )
    assert again.exit_code == 0, again.output


def test_what_the_server_refuses_does_not_keep_the_rest_from_being_made(
    run: Run, services: Services, tmp_path: Path
) -> None:
    folder = tmp_path / "dump"
    shutil.copytree(DUMPS / "shop", folder)
    text = (folder / "apps.json").read_text().replace("http://files.example.com/jobs.tar.gz", "ftp://example.com/jobs")
    (folder / "apps.json").write_text(text)

    told = run(folder, "--yes")

    assert told.exit_code == 1
    assert "toque: not done: + app jobs: AppSource.Url: a source of type archive cannot be fetched" in told.stderr
    assert "steps are done, 1 are not: put it right and run the same again" in told.stderr
    (stack,) = Caller(services)("DescribeStacks")["Stacks"]
    assert [each["Name"] for each in Caller(services)("DescribeApps", StackId=stack["StackId"])["Apps"]] == ["Store"]
    permissions = Caller(services)("DescribePermissions", StackId=stack["StackId"])["Permissions"]
    assert [each["Level"] for each in permissions if each["IamUserArn"].endswith("/ann")] == ["manage"]
    shutil.copyfile(DUMPS / "shop/apps.json", folder / "apps.json")
    assert run(folder, "--yes").exit_code == 0
    assert run(folder, "--dry-run").exit_code == 0


def test_a_stack_that_is_refused_takes_what_is_in_it_along(run: Run, services: Services, tmp_path: Path) -> None:
    stack = {"StackId": "s-1", "Name": "x" * 65, "Region": "local"}
    layer = {"LayerId": "l-1", "StackId": "s-1", "Type": "custom", "Name": "a", "Shortname": "a"}
    (tmp_path / "a.json").write_text(json.dumps({"Stacks": [stack], "Layers": [layer]}))

    told = run(tmp_path / "a.json", "--yes")

    assert (told.exit_code, names(Caller(services))) == (1, [])
    assert "Name must have 1 to 64 printable characters, not 65" in told.stderr
    assert "toque: not done: + layer a" in told.stderr


def test_the_report_for_programs_is_json(try_out: Run) -> None:
    told = json.loads(try_out(DUMPS / "shop", "--dry-run", "--output", "json").stdout)

    (stack,) = told["Stacks"]
    assert (stack["Name"], stack["OldStackId"]) == ("shop", "8a5bb2a6-1c0e-4d8f-9c7e-2b1f6a0d4c11")
    assert stack["Mapped"]["layers"] == ["front", "workers", "ecs-cluster"]
    assert {"left out", "changed", "to do"} == {each["Verdict"] for each in stack["Remarks"]}
    assert told["Remarks"][0]["Said"] == "what was deployed is history, and stays with AWS"
    assert "+ layer front" in told["Steps"]
    assert told["Failed"] == []


def test_stacks_can_be_written_as_files_instead(try_out: Run, tmp_path: Path) -> None:
    told = try_out(DUMPS / "shop", "--write", tmp_path / "files")

    file = tmp_path / "files/shop-8a5bb2a6.yaml"
    assert (told.exit_code, told.stdout.strip()) == (0, str(file))
    assert "to be done by hand:" in told.stderr
    assert re.search(r"ssh_key: !secret '?APP_STORE_SSH_KEY", file.read_text())


def test_a_wrong_option_is_named(try_out: Run) -> None:
    stack = try_out(DUMPS / "shop", "--dry-run", "--stack", "shp")
    region = try_out(DUMPS / "shop", "--dry-run", "--region", "us-east-1")
    name = try_out(DUMPS / "shop", "--dry-run", "--name", "=x")

    assert [each.exit_code for each in (stack, region, name)] == [2, 2, 2]
    assert "there is no stack shp in the dump, which has shop" in stack.stderr
    assert "--region us-east-1: please write OLD=NEW" in region.stderr
    assert "--name =x: please write OLD=NEW" in name.stderr


def test_a_dump_that_cannot_be_read_is_refused_with_file_and_place(try_out: Run, tmp_path: Path) -> None:
    (tmp_path / "stacks.json").write_text('{"Stacks": [{"StackId": 7}]}')

    told = try_out(tmp_path, "--dry-run")

    assert told.exit_code == 2
    assert f"{tmp_path}/stacks.json: Stacks[0].Name is missing" in told.stderr
    assert f"{tmp_path}/stacks.json: Stacks[0].StackId must be a text, not a number" in told.stderr


def test_whoever_is_not_known_is_told_so(try_out: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOQUE_API_TOKEN", "wrong")

    told = try_out(DUMPS / "shop", "--yes")

    assert told.exit_code == 254
    assert "toque: refused (" in told.stderr


def test_the_script_of_the_manual_saves_all_that_can_be_imported(run: Run, services: Services, tmp_path: Path) -> None:
    call = Caller(services)
    stack = call.stack()
    layer = call.layer(stack, "front")
    call.instance(stack, layer, Hostname="front1", AutoScalingType="timer")
    manual = (Path(__file__).parents[3] / "docs/migrating.md").read_text()
    (script,) = [each for each in re.findall(r"```sh\n(.*?)```", manual, re.DOTALL) if each.startswith("#!/bin/sh")]

    environment = {**os.environ, "AWS": f"{sys.executable} -m toque.cli", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    dump = read([tmp_path / "dump"], shapes())
    assert dump.kinds == {*KINDS, "Tags"}
    assert dump.remarks == []
    assert [each["Hostname"] for each in dump.every("Instances")] == ["front1"]
    assert {each.place.rpartition("/")[2] for each in dump.tags} == {f"tags-{stack}.json", f"tags-{layer}.json"}


def test_the_importer_knows_every_layer_type() -> None:
    assert set(TYPES) == set(LAYER_KINDS)
    needed = {name: each.required_attributes for name, each in LAYER_KINDS.items() if each.secret_attributes}
    assert {name: each for name, each in needed.items() if each} == NEEDED
