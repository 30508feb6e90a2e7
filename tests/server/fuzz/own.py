"""The calls of our own operations that are good: one stack with one of everything, and what each is asked with there."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import inspect

from tests.server.conformance.case import Members
from tests.server.fuzz.inside import ACCOUNT, Inside
from tests.server.made import NOW
from toque.cookbook.bundle import pack
from toque.protocol.messages import Fingerprint
from toque_server.operations.registry import OPERATIONS
from toque_server.store import logs, nodes
from toque_server.store.nodes import NodeKey


class Furnished:
    """One stack with one of everything that our own operations speak of; `made` is what a member of that name holds."""

    def __init__(self, w: Inside) -> None:
        stack = w.stack()
        layer = w.layer(stack)
        instance = w.instance(stack, layer)
        w.inside.bring_online(instance)
        app = w.app(stack)
        user = f"arn:aws:iam::{ACCOUNT}:user/ann"
        w("CreateUser", UserName="ann", Password="a long enough password")
        w("SetPermission", StackId=stack, IamUserArn=user, Level="manage", AllowSsh=True)
        policy = json.dumps({"Statement": [{"Effect": "Allow", "Action": "opsworks:*", "Resource": "*"}]})
        w("PutUserPolicy", UserArn=user, PolicyName="mine", PolicyDocument=policy)
        w("AttachUserPolicy", UserArn=user, Policy="arn:aws:iam::aws:policy/AWSOpsWorks_FullAccess")
        w("PutDataBagItem", StackId=stack, Bag="menu", Item="soup", Value={"price": 3})
        database = f"arn:aws:rds:us-east-1:{ACCOUNT}:db:guests"
        w("PutDatabase", RdsDbInstanceArn=database, Address="db.example.org", Port=5432, Engine="postgres")
        deployment = w("CreateDeployment", StackId=stack, Command={"Name": "configure"})["DeploymentId"]
        command = w("DescribeCommands", DeploymentId=deployment)["Commands"][0]["CommandId"]
        with w.services.database.write() as conn:
            logs.append(conn, command, 0, b"all is well\n")
            node = NodeKey(
                key_id="n-1",
                instance_id=instance,
                stack_id=stack,
                public=bytes(32),
                sealing=bytes(32),
                state="current",
                created_at=NOW,
                enrolment_id="joined",
                fingerprint=Fingerprint(),
            )
            nodes.add(conn, node)
        self.made: dict[str, Any] = {
            "StackId": stack,
            "LayerIds": [layer],
            "LayerId": layer,
            "InstanceId": instance,
            "InstanceIds": [instance],
            "AppId": app,
            "UserArn": user,
            "IamUserArn": user,
            "UserName": "bob",
            "PolicyName": "mine",
            "PolicyDocument": policy,
            "Policy": "arn:aws:iam::aws:policy/AWSOpsWorks_FullAccess",
            "RdsDbInstanceArn": database,
            "RdsDbInstanceArns": [database],
            "Address": "db.example.org",
            "Port": 5432,
            "Engine": "postgres",
            "DeploymentId": deployment,
            "DeploymentIds": [deployment],
            "CommandId": command,
            "CommandIds": [command],
            "Bag": "menu",
            "Item": "soup",
            "Value": {"price": 4, "of": ["leek", {"potato": None}]},
            "Level": "stack",
            "OwnerId": stack,
            "OwnerIds": [stack],
            "Label": "laptop",
            "Machine": "web1",
            "Action": "CreateStack",
            "CustomJson": '{"a": {"b": 1}}',
            "TokenId": w("CreateJoinToken", StackId=stack)["TokenId"],
            "AccessKeyId": w("CreateAccessKey", UserArn=user)["AccessKeyId"],
            "Strict": True,
        }

        self.api_token = w("CreateApiToken", Label="phone", UserArn=user)["TokenId"]
        self._w = w

    def __getitem__(self, name: str) -> Any:
        return self.made[name]

    def by_names(self, operation: str) -> dict[str, Any]:
        """The required members of an operation, each with what this world has under its name."""
        wanted = inspect.type_info(OPERATIONS[operation].request)
        assert isinstance(wanted, inspect.StructType)
        required = [each for each in wanted.fields if each.required]
        return {each.encode_name: self.made.get(each.encode_name, _any(each.type)) for each in required}


OWN: dict[str, Callable[[Furnished], list[Members]]] = {
    "CreateAccessKey": lambda f: [{}, {"UserArn": f["UserArn"]}],
    "CreateApiToken": lambda f: [{"Label": "laptop", "UserArn": f["UserArn"], "ExpiresInDays": 30}],
    "CreateJoinToken": lambda f: [
        {"StackId": f["StackId"], "LayerIds": f["LayerIds"], "ExpiresInMinutes": 5, "Uses": 3},
    ],
    "CreateUser": lambda f: [
        {
            "UserName": "bob",
            "Administrator": True,
            "Password": "a long enough password",
            "SshUsername": "bob",
            "SshPublicKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ bob",
            "AllowSelfManagement": True,
        },
    ],
    "DeleteAccessKey": lambda f: [{"AccessKeyId": f["AccessKeyId"], "UserArn": f["UserArn"]}],
    "DeleteApiToken": lambda f: [{"TokenId": f.api_token, "UserArn": f["UserArn"]}],
    "DeleteDataBagItem": lambda f: [{**_bag(f), "Item": "soup"}],
    "DeleteUser": lambda f: [{"UserArn": f["UserArn"], "Cascade": True}],
    "DescribeAccessKeys": lambda f: [{}, {"UserArn": f["UserArn"]}],
    "DescribeApiTokens": lambda f: [{}, {"UserArn": f["UserArn"]}],
    "DescribeAttributes": lambda f: [{"StackId": f["StackId"], "OwnerIds": [f["LayerId"], f["AppId"]]}],
    "DescribeAuditEvents": lambda f: [
        {"UserArn": f["UserArn"], "Action": "CreateStack", "DeniedOnly": True, "Verify": True, "MaxResults": 3},
        {"StackId": f["StackId"], "Since": "2026-01-01T00:00:00+00:00", "Until": "2036-01-01T00:00:00Z"},
    ],
    "DescribeCommandDetails": lambda f: [
        {"StackId": f["StackId"], "Limit": 3},
        {"DeploymentId": f["DeploymentId"]},
        {"InstanceId": f["InstanceId"]},
        {"CommandIds": f["CommandIds"]},
    ],
    "DescribeConditions": lambda f: [{"StackId": f["StackId"]}, {"InstanceId": f["InstanceId"]}],
    "DescribeDataBags": lambda f: [{"StackId": f["StackId"], "Bag": "menu"}],
    "DescribeDatabases": lambda f: [{"MaxResults": 3}, {"RdsDbInstanceArns": f["RdsDbInstanceArns"]}],
    "DescribeEvents": lambda f: [
        {"StackId": f["StackId"], "After": 1, "Limit": 3},
        {"InstanceId": f["InstanceId"]},
    ],
    "DescribeProgress": lambda f: [
        {"StackId": f["StackId"], "Limit": 3, "Offset": 1},
        {"DeploymentIds": f["DeploymentIds"]},
    ],
    "ExplainAccess": lambda f: [{"Action": "CreateLayer", "StackId": f["StackId"], "UserArn": f["UserArn"]}],
    "GetCommandLog": lambda f: [{"CommandId": f["CommandId"], "Offset": 2, "Limit": 5}],
    "GetDataBagItem": lambda f: [{**_bag(f), "Item": "soup"}],
    "PublishCookbooks": lambda f: [{"StackId": f["StackId"], "Archive": _archive(), "Source": "commit 1"}],
    "PutDataBagItem": lambda f: [{**_bag(f), "Item": "soup", "Value": f["Value"], "Version": 1}],
    "SetAttributes": lambda f: [
        {"Level": level, "OwnerId": f[owner], "CustomJson": '{"a": {"b": 1}}'}
        for level, owner in (("layer", "LayerId"), ("app", "AppId"), ("instance", "InstanceId"))
    ],
    "UpdateUser": lambda f: [{"UserArn": f["UserArn"], "Administrator": True, "Password": "another long password"}],
}
"""What each is asked with. One that is not here gets its required members, filled in by their names."""


def calls_of(name: str, w: Inside) -> list[Members]:
    """Furnish the world, and answer with good calls of one of our own operations."""
    world = Furnished(w)
    return OWN[name](world) if name in OWN else [world.by_names(name)]


def _any(kind: inspect.Type) -> Any:
    """Something of a type, for a member that this world has nothing for."""
    plain = {inspect.BoolType: True, inspect.IntType: 1, inspect.ListType: [], inspect.DictType: {}}
    return plain.get(type(kind), "something")


def _bag(f: Furnished) -> dict[str, Any]:
    return {"StackId": f["StackId"], "Bag": "menu", "Level": "stack", "OwnerId": f["StackId"]}


def _archive() -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "web" / "recipes").mkdir(parents=True)
        (folder / "web" / "cookbook.toml").write_text('[cookbook]\nname = "web"\nversion = "1.0.0"\n')
        (folder / "web" / "recipes" / "default.py").write_text("log('hello')\n")
        pack({"web": folder / "web"}, folder / "web.tar.gz")
        return base64.b64encode((folder / "web.tar.gz").read_bytes()).decode()
