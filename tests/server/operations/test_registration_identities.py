"""Identities that may register one machine with one stack, and nothing else (chapter 08 § 10.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.server.operations.calls import Caller
from toque.protocol.keys import new_signing_key
from toque.protocol.registration import public_pem
from toque_server.domain import registration_identity
from toque_server.domain.permission import Principal
from toque_server.operations import access, identity, registry
from toque_server.operations.context import Context, Services
from toque_server.operations.errors import AccessDeniedException, ValidationException
from toque_server.security.envelope import Vault
from toque_server.store.data_keys import DataKeys
from toque_server.store.database import Database


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clocked(services_on_either: Services, clock: Clock) -> Caller:
    url = services_on_either.database.url.render_as_string(hide_password=False)
    database = Database(url, clock=clock)
    return Caller(replace(services_on_either, database=database, vault=Vault(bytes(32), DataKeys(database))))


def machine(root: Caller, stack_id: str, name: str = "web1") -> Caller:
    """Who calls with the key of a fresh registration identity."""
    key = root("CreateRegistration", StackId=stack_id, Machine=name)
    holder = identity.by_access_key(root.services, key["AccessKeyId"])
    assert holder is not None
    assert holder.secret == key["SecretAccessKey"]
    return Caller(root.services, holder.principal)


def pem() -> str:
    return public_pem(new_signing_key())


def test_08_27_a_registration_identity_may_call_nothing_but_register_instance(root: Caller) -> None:
    stack, other = root.stack(), root.stack(Name="blog")
    caller = machine(root, stack).principal
    ctx = Context(caller=caller, services=root.services)

    def is_allowed(op: registry.Operation, stack_ids: list[str] | None) -> bool:
        with root.services.database.read() as conn:
            try:
                access.check(ctx.within(conn), op.name, op.permission, stack_ids, None)
            except AccessDeniedException:
                return False
            return True

    allowed = {
        (op.name, tuple(asked or ()))
        for op in registry.load().values()
        for asked in ([stack], [other], [stack, other], [], None)
        if is_allowed(op, asked)
    }
    assert allowed == {("RegisterInstance", (stack,))}


def test_08_27_after_fifteen_minutes_its_key_is_unknown(clocked: Caller, clock: Clock) -> None:
    stack = clocked.stack()
    key = clocked("CreateRegistration", StackId=stack, Machine="web1")["AccessKeyId"]

    clock.now += timedelta(minutes=15) - timedelta(seconds=1)
    assert identity.by_access_key(clocked.services, key) is not None
    clock.now += timedelta(seconds=1)
    assert identity.by_access_key(clocked.services, key) is None


def test_it_registers_one_machine_however_often_that_asks(root: Caller) -> None:
    stack = root.stack()
    web1, mine = machine(root, stack), pem()

    first = web1("RegisterInstance", StackId=stack, Hostname="web1", RsaPublicKey=mine)
    again = web1("RegisterInstance", StackId=stack, Hostname="web1", RsaPublicKey=mine)

    assert first == again
    with pytest.raises(ValidationException, match="OpsWorks-shop-web1 has registered another machine already"):
        web1("RegisterInstance", StackId=stack, Hostname="web2", RsaPublicKey=pem())
    [view] = root("DescribeInstances", StackId=stack)["Instances"]
    assert view["RegisteredBy"] == web1.principal.arn


def test_a_refused_registration_leaves_the_identity_good_for_another_try(root: Caller) -> None:
    stack = root.stack()
    web1 = machine(root, stack)
    root("RegisterInstance", StackId=stack, Hostname="taken")
    with pytest.raises(ValidationException, match="Hostname taken is taken"):
        web1("RegisterInstance", StackId=stack, Hostname="taken", RsaPublicKey=pem())

    assert web1("RegisterInstance", StackId=stack, Hostname="web1", RsaPublicKey=pem())["InstanceId"]


def test_it_must_say_which_machine_it_is_for(root: Caller) -> None:
    stack = root.stack()

    with pytest.raises(ValidationException, match="RsaPublicKey is required of a registration identity") as refused:
        machine(root, stack)("RegisterInstance", StackId=stack, Hostname="web1")

    assert refused.value.field == "RsaPublicKey"


def test_its_names_are_those_of_the_client_and_free_again_after_its_time(clocked: Caller, clock: Clock) -> None:
    stack = clocked.stack(Name="A shop with a rather long name")

    arns = [clocked("CreateRegistration", StackId=stack, Machine="web1")["UserArn"] for _ in range(20)]

    assert arns[0].endswith(":user/AWS/OpsWorks/OpsWorks-A-shop-with...r-long-name-web1")
    assert arns[-1] == f"{arns[0]}+19"
    with pytest.raises(ValidationException, match="too many identities were made for web1"):
        clocked("CreateRegistration", StackId=stack, Machine="web1")
    clock.now += registration_identity.LIFE
    assert clocked("CreateRegistration", StackId=stack, Machine="web1")["UserArn"] == arns[0]


@pytest.mark.parametrize("operation", ["CreateRegistration", "DescribeStackProvisioningParameters"])
def test_only_who_manages_the_stack_may_prepare_a_registration(root: Caller, operation: str) -> None:
    stack = root.stack()
    root("CreateUser", UserName="ann")
    members = {"Machine": "web1"} if operation == "CreateRegistration" else {}
    arn = f"arn:aws:iam::{root.services.keys.account_id}:user/ann"
    ann = Caller(root.services, Principal(arn=arn, name="ann"))

    root("SetPermission", StackId=stack, IamUserArn=arn, Level="deploy")
    with pytest.raises(AccessDeniedException):
        ann(operation, StackId=stack, **members)
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="manage")
    assert ann(operation, StackId=stack, **members)


def test_01_31_and_08_26_the_parameters_are_texts_and_have_the_bucket(root: Caller) -> None:
    said = root("DescribeStackProvisioningParameters", StackId=root.stack())

    parameters = said["Parameters"]
    assert parameters["assets_download_bucket"]
    assert parameters["server_url"] == root.services.settings.public_url
    assert parameters["root_fingerprint"] == root.services.keys.root_fingerprint
    assert said["AgentInstallerUrl"].startswith(f"{parameters['agent_installer_base_url']}/")
    assert urlsplit(said["AgentInstallerUrl"]).path.endswith(parameters["agent_installer_tgz"])
    assert {
        *("charlie_public_key", "verbose", "wait_between_runs"),
        *(
            f"{service}_{name}"
            for service in ("instance_service", "ops_works")
            for name in ("endpoint", "port", "region", "ssl_verify_peer", "use_ssl")
        ),
    } <= set(parameters)
    # The client writes them into a shell's here-document, unquoted.
    assert all(isinstance(value, str) and not set(value) & set("$`\\") for value in parameters.values())


def test_the_authority_of_a_certificate_of_our_own_goes_with_them(services: Services) -> None:
    ca = services.settings.data_dir / "ca.pem"
    certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    ca.write_text(f"subject=Our `own` $CA\n{certificate}# and an intermediate one\n{certificate}")
    secured = msgspec.structs.replace(services.settings, ca_file=str(ca), public_url="https://toque.example")
    root = Caller(replace(services, settings=secured))

    parameters = root("DescribeStackProvisioningParameters", StackId=root.stack())["Parameters"]

    assert parameters["ca_pem"] == certificate * 2
    assert (parameters["ops_works_use_ssl"], parameters["ops_works_port"]) == ("true", "443")
    assert "ca_pem" not in Caller(services)("DescribeStackProvisioningParameters", StackId=root.stack())["Parameters"]
