"""`toque.client` against the real application on loopback."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest

from tests.server.http.serving import served
from tests.server.operations.calls import PROFILE, ROLE, Caller
from toque.client import (
    AccessDeniedException,
    CallFailed,
    Client,
    NotAuthenticated,
    ResourceNotFoundException,
    Retries,
    ValidationException,
    WaitFailed,
)
from toque.client.errors import error_of
from toque.client.structures import DeploymentCommand, Source
from toque_server.cli.init import first_administrator
from toque_server.domain.instance import Status
from toque_server.http import sigv4
from toque_server.http.problems import STATUS
from toque_server.operations.context import Services
from toque_server.operations.errors import OperationError


@pytest.fixture
def secrets(services: Services) -> dict[str, str]:
    return first_administrator(services)


@pytest.fixture
def url(services: Services) -> Iterator[str]:
    with served(services) as url:
        yield url


@pytest.fixture
def client(url: str, secrets: dict[str, str]) -> Client:
    return Client(url, api_token=secrets["api_token"])


def test_a_stack_is_made_read_changed_and_deleted_with_python_s_names(url: str, secrets: dict[str, str]) -> None:
    client = Client(url, access_key_id=secrets["access_key_id"], secret_access_key=secrets["secret_access_key"])
    id = client.create_stack(
        name="shop",
        region="local",
        service_role_arn=ROLE,
        default_instance_profile_arn=PROFILE,
        custom_cookbooks_source=Source(type="git", url="https://example.org/cookbooks"),
    ).stack_id

    client.update_stack(stack_id=id, name="market")
    [stack] = client.describe_stacks(stack_ids=[id]).stacks

    assert (stack.name, stack.region) == ("market", "local")
    assert stack.custom_cookbooks_source is not None
    assert stack.custom_cookbooks_source.url == "https://example.org/cookbooks"
    client.delete_stack(stack_id=id)
    assert client.describe_stacks().stacks == []


def test_errors_are_classes_that_keep_what_the_server_said(client: Client) -> None:
    with pytest.raises(ResourceNotFoundException, match="nowhere"):
        client.describe_stacks(stack_ids=["nowhere"])
    with pytest.raises(ValidationException) as wrong:
        client.create_deployment(stack_id="", command=DeploymentCommand(name="configure"))
    assert wrong.value.code == "ValidationException"
    assert isinstance(wrong.value, CallFailed)


def test_09_2_a_wrong_identity_is_an_error_of_its_own(url: str, secrets: dict[str, str]) -> None:
    with pytest.raises(NotAuthenticated):
        Client(url, access_key_id=secrets["access_key_id"], secret_access_key="x" * 40).describe_stacks()
    with pytest.raises(NotAuthenticated):
        Client(url, api_token="tqa_nothing").describe_stacks()


def test_whoever_may_not_is_told_so(url: str, services: Services, secrets: dict[str, str]) -> None:
    root = Caller(services)
    arn = root("CreateUser", UserName="eve")["UserArn"]
    token = root("CreateApiToken", Label="eve", UserArn=arn)["Token"]

    with pytest.raises(AccessDeniedException, match="eve"):
        Client(url, api_token=token).start_stack(stack_id=root.stack())


def test_09_17_a_waiter_returns_or_raises(client: Client, services: Services) -> None:
    root = Caller(services)
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))

    with pytest.raises(WaitFailed, match="stopped"):
        client.wait_for_instance_online(instance_ids=[instance])
    root.bring_online(instance)
    client.wait_for_instance_online(stack_id=stack)
    with pytest.raises(WaitFailed, match="1 looks"):
        client.wait_for_instance_stopped(instance_ids=[instance], attempts=1)
    with pytest.raises(ResourceNotFoundException):
        client.wait_for_instance_online(instance_ids=["nowhere"])
    client.wait_for_instance_terminated(instance_ids=["nowhere"])
    client.wait_for_app_exists(app_ids=[root.app(stack)])
    assert root.status(instance) == Status.ONLINE


def test_a_server_that_is_not_there_is_asked_again_and_then_named() -> None:
    gone = Client("http://127.0.0.1:1", api_token="x", retries=Retries(attempts=3, base=0.001))

    with pytest.raises(CallFailed, match="http://127.0.0.1:1 cannot be reached"):
        gone.create_user(user_name="x")


@pytest.mark.parametrize("kind", sorted(STATUS, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_every_error_of_an_operation_has_its_class(kind: type[OperationError]) -> None:
    code = "NotAuthenticated" if kind.__name__ == "NotAuthenticated" else kind.code

    assert type(error_of(code, "said", STATUS[kind])).__name__ == kind.__name__


def test_every_code_of_a_bad_signature_is_a_bad_identity() -> None:
    codes = set(re.findall(r'"(\w+(?:Exception|Signature|Expired))"', inspect.getsource(sigv4)))

    assert codes
    assert {type(error_of(code, "said", 400)) for code in codes} == {NotAuthenticated}
