"""IAM as the real client speaks it: six calls that end in a key for one machine (chapter 08 § 10.3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.server.http.serving import served
from tests.server.operations.calls import Caller
from toque_server.cli.init import first_administrator
from toque_server.operations import identity
from toque_server.operations.context import Services
from toque_server.wsgi import create_app

boto3 = pytest.importorskip("boto3")
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

PATH = "/AWS/OpsWorks/"
POLICY = "arn:aws:iam::aws:policy/AWSOpsWorksInstanceRegistration"
DOCUMENT = '{"Version": "2012-10-17", "Statement": [{"Action": "opsworks:RegisterInstance", "Effect": "Allow", "Resource": "%s"}]}'


@pytest.fixture
def root(services: Services) -> Caller:
    return Caller(services)


@pytest.fixture
def url(services: Services) -> Iterator[str]:
    with served(services) as address:
        yield address


def client(url: str, service: str, access_key_id: str, secret: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def secrets(services: Services) -> dict[str, str]:
    return first_administrator(services)


@pytest.fixture
def iam(url: str, secrets: dict[str, str]) -> Any:
    return client(url, "iam", secrets["access_key_id"], secrets["secret_access_key"])


def code_of(call: Any, **members: str) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        call(**members)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def identity_for(iam: Any, stack: str, name: str = "OpsWorks-shop-web1") -> dict[str, Any]:
    """What `aws opsworks register` does, call by call."""
    group = f"OpsWorks-{stack}"
    iam.create_group(GroupName=group, Path=PATH)
    iam.create_user(UserName=name, Path=PATH)
    iam.add_user_to_group(GroupName=group, UserName=name)
    iam.attach_user_policy(PolicyArn=POLICY, UserName=name)
    made: dict[str, Any] = iam.create_access_key(UserName=name)["AccessKey"]
    return made


def test_08_10_3_the_clients_six_calls_make_a_key(services: Services, root: Caller, iam: Any) -> None:
    stack = root.stack()

    key = identity_for(iam, stack)

    assert (key["UserName"], key["Status"]) == ("OpsWorks-shop-web1", "Active")
    holder = identity.by_access_key(services, key["AccessKeyId"])
    assert holder is not None
    assert (holder.secret, holder.principal.registers) == (key["SecretAccessKey"], stack)
    assert holder.principal.arn.endswith(":user/AWS/OpsWorks/OpsWorks-shop-web1")


def test_what_exists_is_told_by_the_code_that_the_client_expects(root: Caller, iam: Any) -> None:
    stack = root.stack()
    group = iam.create_group(GroupName=f"OpsWorks-{stack}", Path=PATH)["Group"]
    user = iam.create_user(UserName="OpsWorks-shop-web1", Path=PATH)["User"]

    assert group["Arn"].endswith(f":group{PATH}OpsWorks-{stack}")
    assert (user["Path"], user["UserId"][:4]) == (PATH, "AIDA")
    assert code_of(iam.create_group, GroupName=f"OpsWorks-{stack}", Path=PATH) == ("EntityAlreadyExists", 409)
    assert code_of(iam.create_user, UserName="OpsWorks-shop-web1", Path=PATH) == ("EntityAlreadyExists", 409)
    assert iam.create_user(UserName="OpsWorks-shop-web1+1", Path=PATH)["User"]["UserName"] == "OpsWorks-shop-web1+1"


def test_the_policy_may_come_as_a_document(root: Caller, iam: Any) -> None:
    stack = root.stack()
    name = "OpsWorks-shop-web1"
    iam.create_group(GroupName=f"OpsWorks-{stack}", Path=PATH)
    iam.create_user(UserName=name, Path=PATH)
    iam.add_user_to_group(GroupName=f"OpsWorks-{stack}", UserName=name)
    assert code_of(iam.create_access_key, UserName=name) == ("ValidationError", 400)

    iam.put_user_policy(UserName=name, PolicyName="OpsWorks-Instance", PolicyDocument=DOCUMENT % f"stack/{stack}/")

    assert iam.create_access_key(UserName=name)["AccessKey"]["UserName"] == name
    assert code_of(iam.create_access_key, UserName=name) == ("LimitExceeded", 409)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param("no JSON", "MalformedPolicyDocument", id="no JSON"),
        pytest.param("[]", "MalformedPolicyDocument", id="no object"),
        pytest.param('{"Statement": []}', "MalformedPolicyDocument", id="no statement"),
        pytest.param((DOCUMENT % "*").replace("RegisterInstance", "*"), "MalformedPolicyDocument", id="more"),
        pytest.param((DOCUMENT % "*").replace("Allow", "Deny"), "MalformedPolicyDocument", id="deny"),
    ],
)
def test_a_document_that_says_anything_else_is_refused(root: Caller, iam: Any, document: str, code: str) -> None:
    stack = root.stack()
    iam.create_group(GroupName=f"OpsWorks-{stack}", Path=PATH)
    iam.create_user(UserName="OpsWorks-shop-web1", Path=PATH)
    iam.add_user_to_group(GroupName=f"OpsWorks-{stack}", UserName="OpsWorks-shop-web1")

    assert code_of(iam.put_user_policy, UserName="OpsWorks-shop-web1", PolicyName="x", PolicyDocument=document) == (
        code,
        400,
    )


def test_names_and_paths_of_other_things_are_refused(root: Caller, iam: Any) -> None:
    stack, other = root.stack(), root.stack(Name="blog")
    iam.create_group(GroupName=f"OpsWorks-{stack}", Path=PATH)
    iam.create_group(GroupName=f"OpsWorks-{other}", Path=PATH)
    iam.create_user(UserName="OpsWorks-shop-web1", Path=PATH)

    assert code_of(iam.create_group, GroupName=f"OpsWorks-{other}", Path="/elsewhere/") == ("ValidationError", 400)
    assert code_of(iam.create_group, GroupName="admins", Path=PATH) == ("ValidationError", 400)
    assert code_of(iam.create_group, GroupName="OpsWorks-nothing", Path=PATH) == ("NoSuchEntity", 404)
    assert code_of(iam.create_user, UserName="ann", Path=PATH) == ("ValidationError", 400)
    assert code_of(iam.create_user, UserName="OpsWorks-shop-web2") == ("ValidationError", 400)
    assert code_of(iam.create_user, UserName="OpsWorks-unknown-web2", Path=PATH) == ("NoSuchEntity", 404)
    strays = {"GroupName": f"OpsWorks-{other}", "UserName": "OpsWorks-shop-web1"}
    assert code_of(iam.add_user_to_group, **strays) == ("ValidationError", 400)
    assert code_of(iam.create_access_key, UserName="OpsWorks-shop-web1") == ("ValidationError", 400)
    for nobody in ("OpsWorks-shop-web9", "ann", "OpsWorks-é"):
        assert code_of(iam.create_access_key, UserName=nobody) == ("NoSuchEntity", 404)
    assert code_of(iam.create_access_key, UserName="OpsWorks-\0") == ("ValidationError", 400)
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.add_user_to_group(GroupName=f"OpsWorks-{stack}", UserName="OpsWorks-shop-web1")
    assert code_of(iam.attach_user_policy, PolicyArn=administrator, UserName="OpsWorks-shop-web1") == (
        "NoSuchEntity",
        404,
    )


def test_it_takes_manage_on_the_stack_in_the_name(url: str, root: Caller) -> None:
    mine, other = root.stack(), root.stack(Name="blog")
    root("CreateUser", UserName="ann")
    arn = f"arn:aws:iam::{root.services.keys.account_id}:user/ann"
    root("SetPermission", StackId=mine, IamUserArn=arn, Level="manage")
    root("SetPermission", StackId=other, IamUserArn=arn, Level="deploy")
    key = root("CreateAccessKey", UserArn=arn)
    ann = client(url, "iam", key["AccessKeyId"], key["SecretAccessKey"])

    assert identity_for(ann, mine)["Status"] == "Active"
    assert code_of(ann.create_group, GroupName=f"OpsWorks-{other}", Path=PATH) == ("AccessDenied", 403)
    assert code_of(ann.create_user, UserName="OpsWorks-blog-web1", Path=PATH) == ("AccessDenied", 403)
    # What does not exist is told to those who may see all; others hear what they hear of a stack they may not see.
    assert code_of(ann.create_user, UserName="OpsWorks-unknown-web1", Path=PATH) == ("AccessDenied", 403)
    assert code_of(ann.create_group, GroupName="OpsWorks-unknown", Path=PATH) == ("AccessDenied", 403)


def test_07_section_4_the_policy_for_registering_is_enough_and_one_that_denies_beats_it(url: str, root: Caller) -> None:
    stack, name = root.stack(), "OpsWorks-shop-web1"
    root("CreateUser", UserName="ann")
    arn = f"arn:aws:iam::{root.services.keys.account_id}:user/ann"
    root("AttachUserPolicy", UserArn=arn, Policy="AWSOpsWorksRegisterCLI_OnPremises")
    key = root("CreateAccessKey", UserArn=arn)
    ann = client(url, "iam", key["AccessKeyId"], key["SecretAccessKey"])

    assert identity_for(ann, stack)["Status"] == "Active"
    document = {"PolicyName": "x", "PolicyDocument": DOCUMENT % "*"}
    # The client turns to it only where AttachUserPolicy is denied, and this policy does not have it.
    assert code_of(ann.put_user_policy, UserName=name, **document) == ("AccessDenied", 403)

    deny = {"Effect": "Deny", "Action": "iam:AttachUserPolicy", "Resource": f"arn:aws:iam::*:user{PATH}*"}
    allow = {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": f"arn:aws:iam::*:user{PATH}*"}
    root("PutUserPolicy", UserArn=arn, PolicyName="mine", PolicyDocument=json.dumps({"Statement": [deny, allow]}))
    assert code_of(ann.attach_user_policy, UserName=name, PolicyArn=POLICY) == ("AccessDenied", 403)
    ann.put_user_policy(UserName=name, **document)


def test_two_stacks_of_one_name_are_told_apart_by_the_group(services: Services, root: Caller, iam: Any) -> None:
    first, second = root.stack(), root.stack()
    identity_for(iam, first)

    key = identity_for(iam, second, "OpsWorks-shop-web1+1")

    holder = identity.by_access_key(services, key["AccessKeyId"])
    assert holder is not None
    assert holder.principal.registers == second


def test_a_registration_identity_makes_no_other(url: str, root: Caller, iam: Any) -> None:
    stack = root.stack()
    key = identity_for(iam, stack)
    machine = client(url, "iam", key["AccessKeyId"], key["SecretAccessKey"])

    assert code_of(machine.create_user, UserName="OpsWorks-shop-web2", Path=PATH) == ("AccessDenied", 403)
    assert code_of(machine.create_group, GroupName=f"OpsWorks-{stack}", Path=PATH) == ("AccessDenied", 403)


def test_other_actions_and_bad_signatures_have_the_codes_of_iam(
    url: str, secrets: dict[str, str], root: Caller, iam: Any
) -> None:
    wrong = client(url, "iam", secrets["access_key_id"], "wrong")
    nobody = client(url, "iam", "AKTQNOBODY", "wrong")

    assert code_of(iam.list_users) == ("InvalidAction", 400)
    assert code_of(wrong.create_group, GroupName="OpsWorks-x", Path=PATH) == ("SignatureDoesNotMatch", 403)
    assert code_of(nobody.create_group, GroupName="OpsWorks-x", Path=PATH) == ("InvalidClientTokenId", 403)


def test_a_form_without_signature_is_answered_in_xml(services: Services) -> None:
    browser = create_app(services).flask.test_client()

    answer = browser.post("/", data={"Action": "CreateUser", "Version": "2010-05-08"})

    assert (answer.status_code, answer.mimetype) == (403, "text/xml")
    found = ElementTree.fromstring(answer.text).findtext(".//{*}Code")
    assert found == "MissingAuthenticationToken"


def test_calls_are_in_the_audit_with_whom_they_were_about(services: Services, root: Caller, iam: Any) -> None:
    stack = root.stack()
    identity_for(iam, stack)

    with services.database.read() as conn:
        rows = conn.exec_driver_sql("SELECT action, stack_id, allowed, detail FROM audit ORDER BY number").all()

    made = [row for row in rows if row.action.startswith("iam:")]
    assert [row.action for row in made] == [
        "iam:CreateGroup",
        "iam:CreateUser",
        "iam:AddUserToGroup",
        "iam:AttachUserPolicy",
        "iam:CreateAccessKey",
    ]
    assert {row.stack_id for row in made} == {stack}
    assert "OpsWorks-shop-web1" in made[1].detail
