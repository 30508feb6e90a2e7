"""Newer AWS clients speak to us with the model files that we make; and those say what AWS's own said."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointProviderError, WaiterError

from tests.fakes import aws_client
from tests.needs import needs_that
from tests.server.http.serving import served
from tests.server.operations.calls import PROFILE, ROLE, Caller
from toque.cli.aws_model import models
from toque.cli.install_aws_model import install_aws_model
from toque_server.cli.init import first_administrator
from toque_server.operations.context import Services

OURS: Mapping[str, Any] = models()["opsworks/2013-02-18"]
needs_aws = needs_that("an OpsWorks client: make setup, or TOQUE_AWS", lambda: aws_client.home() is not None)

# Where we ask for less than AWS did: a filtered or kept value need not be sent again (05 § 1.4).
LENIENT = {
    f"{action}.{member}" for action in ("CreateApp", "UpdateApp") for member in ("SslConfiguration", "Environment[]")
}


@pytest.fixture(scope="module")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    install_aws_model.main(["--directory", str(folder)], standalone_mode=False)
    return folder


@pytest.fixture
def session(models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.setenv("AWS_DATA_PATH", str(models_folder))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_OPSWORKS", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return boto3.Session(aws_access_key_id="A", aws_secret_access_key="s", region_name="xx-custom-9")


@pytest.fixture
def new_client(services: Services, session: boto3.Session) -> Iterator[Any]:
    """A function that makes a client of a service, signed in as the first administrator."""
    made = first_administrator(services)
    with served(services) as url:
        yield lambda service: session.client(
            service,
            endpoint_url=url,
            aws_access_key_id=made["access_key_id"],
            aws_secret_access_key=made["secret_access_key"],
        )


def test_09_1_a_new_boto3_makes_and_reads_a_stack(new_client: Any) -> None:
    client = new_client("opsworks")

    id = client.create_stack(
        Name="shop", Region="local", ServiceRoleArn=ROLE, DefaultInstanceProfileArn=PROFILE, Attributes={"Color": "red"}
    )["StackId"]
    [stack] = client.describe_stacks()["Stacks"]

    assert (stack["StackId"], stack["Attributes"]["Color"]) == (id, "red")
    client.update_stack(StackId=id, Name="market")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="nowhere"):
        client.describe_stacks(StackIds=["nowhere"])
    with pytest.raises(client.exceptions.ValidationException):
        client.create_deployment(StackId=id, Command={"Name": "nonsense"})


def test_09_17_a_new_boto3_waits_in_both_directions(new_client: Any, services: Services) -> None:
    root, client = Caller(services), new_client("opsworks")
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    once = {"Delay": 0, "MaxAttempts": 1}

    with pytest.raises(WaiterError, match="terminal failure"):
        client.get_waiter("instance_online").wait(InstanceIds=[instance], WaiterConfig=once)
    root.bring_online(instance)
    client.get_waiter("instance_online").wait(InstanceIds=[instance], WaiterConfig=once)
    client.get_waiter("instance_terminated").wait(InstanceIds=["nowhere"], WaiterConfig=once)
    client.get_waiter("app_exists").wait(StackId=stack, WaiterConfig=once)
    with pytest.raises(WaiterError):
        client.get_waiter("app_exists").wait(AppIds=["nowhere"], WaiterConfig=once)


def test_our_own_actions_are_a_service_too(new_client: Any, services: Services) -> None:
    client, stack = new_client("toque"), Caller(services).stack()

    client.put_data_bag_item(StackId=stack, Bag="users", Item="ann", Value={"id": "ann", "groups": ["x"], "uid": 3})
    found = client.get_data_bag_item(StackId=stack, Bag="users", Item="ann")

    assert found["Value"] == {"id": "ann", "groups": ["x"], "uid": 3}
    with pytest.raises(ClientError, match="nothing"):
        client.get_data_bag_item(StackId=stack, Bag="users", Item="nothing")


def test_without_an_address_the_client_says_what_to_set(session: boto3.Session) -> None:
    with pytest.raises(EndpointProviderError, match="AWS_ENDPOINT_URL_OPSWORKS"):
        session.client("opsworks").describe_stacks()


# Beside AWS's own model ------------------------------------------------------------------------------------------------


def _theirs(file: str) -> Any:
    home = aws_client.home()
    assert home is not None
    path = next(home.glob(f"lib/python3*/site-packages/botocore/data/opsworks/2013-02-18/{file}*"))
    return json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())


_SAME = {"long": "integer", "float": "double", "timestamp": "string"}


def _differences(path: str, ours: str, theirs: str, theirs_shapes: Mapping[str, Any], *, asked: bool) -> list[str]:
    a, b = OURS["service-2.json"]["shapes"][ours], theirs_shapes[theirs]
    kinds = [_SAME.get(each["type"], each["type"]) for each in (a, b)]
    if kinds[0] != kinds[1]:
        return [f"{path} is a {kinds[0]}, and a {kinds[1]} to AWS"]
    found: list[str] = []
    if kinds[0] == "structure":
        found += [f"{path}.{name} is on one side only" for name in set(a["members"]) ^ set(b["members"])]
        if asked and path not in LENIENT and set(a.get("required", ())) != set(b.get("required", ())):
            found.append(f"{path} requires {a.get('required')}, to AWS {b.get('required')}")
        for name in set(a["members"]) & set(b["members"]):
            shapes = (a["members"][name]["shape"], b["members"][name]["shape"])
            found += _differences(f"{path}.{name}", *shapes, theirs_shapes, asked=asked)
    for inner, mark in (("member", "[]"), ("value", "{}")):
        if inner in a:
            shapes = (a[inner]["shape"], b[inner]["shape"])
            found += _differences(path + mark, *shapes, theirs_shapes, asked=asked)
    return found


@pytest.mark.aws
@needs_aws
@pytest.mark.parametrize("name", sorted(OURS["service-2.json"]["operations"]))
def test_09_3_an_operation_of_our_model_is_that_of_aws(name: str) -> None:
    model = _theirs("service-2.json")
    ours, theirs = OURS["service-2.json"]["operations"][name], model["operations"][name]

    assert ("input" in ours) == ("input" in theirs)
    assert ("output" in ours) == ("output" in theirs)
    for side in ("input", "output"):
        if side in ours:
            shapes = (ours[side]["shape"], theirs[side]["shape"])
            assert _differences(name, *shapes, model["shapes"], asked=side == "input") == []


@pytest.mark.aws
@needs_aws
def test_the_waiters_of_our_model_accept_what_those_of_aws_do() -> None:
    def plain(waiters: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: (each["operation"], each["delay"], each["maxAttempts"], sorted(map(_sorted, each["acceptors"])))
            for name, each in waiters.items()
        }

    def _sorted(acceptor: Mapping[str, Any]) -> str:
        return json.dumps(acceptor, sort_keys=True)

    assert plain(OURS["waiters-2.json"]["waiters"]) == plain(_theirs("waiters-2.json")["waiters"])


@pytest.mark.aws
@needs_aws
def test_the_paginators_of_our_model_are_those_of_aws() -> None:
    theirs = _theirs("paginators-1.json")["pagination"]

    assert OURS["paginators-1.json"]["pagination"] == {
        name: each for name, each in theirs.items() if name in OURS["service-2.json"]["operations"]
    }


@pytest.mark.aws
@needs_aws
def test_aws_itself_works_with_our_model(models_folder: Path, services: Services, tmp_path: Path) -> None:
    made = first_administrator(services)
    Caller(services).stack(Name="shop")
    home = aws_client.home()
    assert home is not None
    with served(services) as url:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "AWS_DATA_PATH": str(models_folder),
            "AWS_ENDPOINT_URL_OPSWORKS": url,
            "AWS_ACCESS_KEY_ID": made["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": made["secret_access_key"],
            "AWS_DEFAULT_REGION": "xx-custom-9",
        }
        words = ["opsworks", "describe-stacks", "--query", "Stacks[].Name", "--output", "text"]
        done = subprocess.run(
            [str(home / "bin" / "aws"), *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert (done.returncode, done.stdout) == (0, "shop\n"), done.stderr
