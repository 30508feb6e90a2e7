"""Where a setting of an instance comes from, who set it, and when."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque.cookbook.bundle import pack
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException

SETTINGS = """
from dataclasses import dataclass, field
from toque import Secret

@dataclass(frozen=True)
class Settings:
    port: int = 80
    hosts: list[str] = field(default_factory=list)
    password: Secret = Secret("")
"""


def book(place: Path, settings: str = SETTINGS, name: str = "nginx", version: str = "1.0.0") -> str:
    """A bundle of one cookbook with settings, as PublishCookbooks takes it."""
    folder = place / f"{name}-{version}"
    (folder / "recipes").mkdir(parents=True)
    (folder / "cookbook.toml").write_text(f'[cookbook]\nname = "{name}"\nversion = "{version}"\ndescription = "a"\n')
    (folder / "recipes" / "default.py").write_text("")
    (folder / "settings.py").write_text(settings)
    packed = place / f"{name}-{version}.tgz"
    pack({name: folder}, packed)
    return b64encode(packed.read_bytes()).decode()


def explained(caller: Caller, instance: str, key: str | None = None) -> dict[str, dict[str, Any]]:
    asked = {"InstanceId": instance} | ({} if key is None else {"Key": key})
    return {each["Key"]: each for each in caller("ExplainAttributes", **asked)["Attributes"]}


def test_D14_every_level_tells_its_value_who_set_it_and_when(root_on_either: Caller, tmp_path: Path) -> None:
    root = root_on_either
    ann = root.as_user("ann", administrator=True)
    stack = root.stack()
    root("PublishCookbooks", StackId=stack, Archive=book(tmp_path), Source="commit 12")
    ann("UpdateStack", StackId=stack, CustomJson=json.dumps({"nginx": {"port": 81, "hosts": ["a"]}}))
    layer = root.layer(stack, "front", CustomJson=json.dumps({"nginx": {"port": 82}}))
    web1 = root.instance(stack, layer, Hostname="web1")
    ann(
        "SetAttributes",
        Level="instance",
        OwnerId=web1,
        CustomJson=json.dumps({"nginx": {"port": 83, "hosts": {"$append": ["b"]}, "password": "correct horse"}}),
    )
    root.bring_online(web1)
    said = json.dumps({"nginx": {"port": 84}})
    made = root("CreateDeployment", StackId=stack, Command={"Name": "configure"}, CustomJson=said)["DeploymentId"]

    port = explained(root, web1, "nginx.port")["nginx.port"]
    every = explained(root, web1)

    assert (port["Value"], port["Level"]) == ("84", "deployment")
    assert [(each["Level"], each["Value"], each["Effect"]) for each in port["Levels"]] == [
        ("default", "80", "overridden"),
        ("stack", "81", "overridden"),
        ("layer/front", "82", "overridden"),
        ("instance", "83", "overridden"),
        ("deployment", "84", "wins"),
    ]
    assert [each["SetBy"].rpartition("/")[2] for each in port["Levels"]] == [
        "commit 12",
        "ann",
        root.principal.arn,
        "ann",
        root.principal.arn,
    ]
    assert all(each["SetAt"] for each in port["Levels"])
    assert list(every) == ["nginx.hosts", "nginx.password", "nginx.port"]
    assert every["nginx.hosts"]["Value"] == '["a","b"]'
    assert "correct horse" not in json.dumps(every)
    assert every["nginx.password"]["Value"] == '"*****FILTERED*****"'
    assert root("ExplainAttributes", InstanceId=web1)["DeploymentId"] == made


def test_an_app_s_level_is_seen_below_its_name_and_counts_where_the_last_deployment_names_it(root: Caller) -> None:
    stack = root.stack()
    web1 = root.instance(stack, root.layer(stack))
    app = root.app(stack)
    root("SetAttributes", Level="app", OwnerId=app, CustomJson='{"colour": "red"}')

    assert explained(root, web1).keys() == {"apps.guestbook.colour"}
    assert explained(root, web1)["apps.guestbook.colour"]["SetBy"] == root.principal.arn
    root.bring_online(web1)
    root("CreateDeployment", StackId=stack, AppId=app, Command={"Name": "deploy"})
    assert explained(root, web1)["colour"]["Level"] == "app/guestbook"


def test_what_nobody_wrote_down_is_not_made_up(root: Caller) -> None:
    """A stack whose custom JSON is older than the audit: the level is told, its author is not."""
    import sqlalchemy as sa

    from toque_server.store import tables

    stack = root.stack(CustomJson='{"colour": "red"}')
    web1 = root.instance(stack, root.layer(stack))
    with root.services.database.write() as conn:
        conn.execute(sa.delete(tables.audit))

    found = explained(root, web1)["colour"]

    assert (found["Level"], found.get("SetBy"), found.get("SetAt")) == ("stack", None, None)


def test_shipped_cookbooks_have_their_defaults_where_they_are_asked_for(root: Caller) -> None:
    stack = root.stack()
    web1 = root.instance(stack, root.layer(stack))

    found = explained(root, web1, "haproxy")

    assert found
    assert {each["SetBy"] for each in found.values()} == {"Toque"}
    assert explained(root, web1) == {}


def test_a_key_that_nobody_knows_is_named(root: Caller) -> None:
    stack = root.stack(CustomJson='{"nginx": {"port": 1}}')
    web1 = root.instance(stack, root.layer(stack))

    with pytest.raises(ResourceNotFoundException, match=r"nginx\.prot: no level"):
        explained(root, web1, "nginx.prot")
    root("SetAttributes", Level="instance", OwnerId=web1, CustomJson='{"nginx": {"port": {"$append": [1]}}}')
    with pytest.raises(ValidationException, match=r"no run can merge .*nginx\.port"):
        explained(root, web1, "nginx.port")


def test_keys_come_in_pages(root: Caller) -> None:
    stack = root.stack(CustomJson=json.dumps({"all": {f"k{n:04}": n for n in range(700)}}))
    web1 = root.instance(stack, root.layer(stack))

    first = root("ExplainAttributes", InstanceId=web1)
    rest = root("ExplainAttributes", InstanceId=web1, NextToken=first["NextToken"])

    assert [len(each["Attributes"]) for each in (first, rest)] == [500, 200]
    assert rest["Attributes"][-1]["Key"] == "all.k0699"


def test_who_may_not_see_the_stack_is_told_nothing(root: Caller) -> None:
    stack = root.stack(CustomJson='{"a": 1}')
    web1 = root.instance(stack, root.layer(stack))

    with pytest.raises(AccessDeniedException):
        explained(root.as_user("eve"), web1)
