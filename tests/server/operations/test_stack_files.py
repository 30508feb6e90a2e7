"""Stacks as files against real operations: what is exported makes the same stack on another server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import services_on
from tests.server.operations.calls import Caller
from toque.cli.stackfile.applying import Wish, planned
from toque.cli.stackfile.carrying import carry_out
from toque.cli.stackfile.fetching import fetched
from toque.stackfile.comparing import Secrets, names_of
from toque.stackfile.loading import load
from toque.stackfile.model import StackFile
from toque.stackfile.plan import Plan
from toque.stackfile.writing import written
from toque_server.operations.context import Services
from toque_server.security.keys import ServerKeys
from toque_server.settings import Settings
from toque_server.store.database import Database

RDS = "arn:aws:rds:eu-west-1:123456789012:db:orders"
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs"
ANN = "arn:aws:iam::123456789012:user/ann"
BOB = "arn:aws:iam::123456789012:user/bob"
GUEST = "arn:aws:iam::210987654321:user/guest"


@pytest.fixture
def another(tmp_path: Path, sqlite_template: Path, settings: Settings, server_keys: ServerKeys) -> Iterator[Caller]:
    """An empty server."""
    shutil.copyfile(sqlite_template, tmp_path / "another.db")
    database = Database(f"sqlite:///{tmp_path}/another.db")
    yield Caller(services_on(database, settings, server_keys))
    database.close()


def shop(root: Caller) -> str:
    """A stack with something of everything."""
    stack = root.stack(
        CustomJson='{"a": {"b": [1, 2]}}',
        Attributes={"Color": "rgb(1,2,3)"},
        HostnameTheme="Fruits",
        UseCustomCookbooks=True,
        CustomCookbooksSource={
            "Type": "git",
            "Url": "https://example.org/cookbooks",
            "Username": "ci",
            "Password": "p4ss",
        },
    )
    arn = root("DescribeStacks", StackIds=[stack])["Stacks"][0]["Arn"]
    root("TagResource", ResourceArn=arn, Tags={"Stage": "Production", "Team": "red"})
    root("SetStackMode", StackId=stack, Strict=True)
    root("RegisterEcsCluster", EcsClusterArn=CLUSTER, StackId=stack)
    root("RegisterRdsDbInstance", StackId=stack, RdsDbInstanceArn=RDS, DbUser="orders", DbPassword="s3cret")
    layers = shop_layers(root, stack)
    shop_instances(root, stack, layers)
    shop_apps(root, stack)
    root("PutDataBagItem", StackId=stack, Bag="settings", Item="mail", Value={"host": "mx", "port": 25, "tls": None})
    for user, ssh in ((ANN, True), (BOB, False), (GUEST, True)):
        root("CreateUserProfile", IamUserArn=user)
        root("SetPermission", StackId=stack, IamUserArn=user, Level="deploy", AllowSsh=ssh, AllowSudo=False)
    return stack


def shop_layers(root: Caller, stack: str) -> dict[str, str]:
    app = root.layer(
        stack,
        "app",
        Name="Application",
        Packages=["curl", "git"],
        CustomRecipes={"Setup": ["web::default"], "Deploy": ["web::app", "web::cron"]},
        VolumeConfigurations=[{"MountPoint": "/vol/data", "NumberOfDisks": 1, "Size": 10}],
        EnableAutoHealing=False,
        LifecycleEventConfiguration={"Shutdown": {"ExecutionTimeout": 300}},
        CloudWatchLogsConfiguration={
            "Enabled": True,
            "LogStreams": [{"File": "/var/log/app.log", "LogGroupName": "app", "BatchCount": 500}],
        },
        CustomJson='{\n  "workers": 4\n}',
    )
    balancing = root.layer(stack, "lb", Type="lb", Name="Balancer", Attributes={"HaproxyStatsPassword": "shh"})
    database = root.layer(stack, "db-master", Type="db-master", Name="MySQL", Attributes={"MysqlRootPassword": "root"})
    arn = root("DescribeLayers", LayerIds=[app])["Layers"][0]["Arn"]
    root("TagResource", ResourceArn=arn, Tags={"Team": "blue", "Role": "app"})
    root("AttachElasticLoadBalancer", ElasticLoadBalancerName="front", LayerId=app)
    root(
        "SetLoadBasedAutoScaling",
        LayerId=app,
        Enable=True,
        UpScaling={"InstanceCount": 2, "CpuThreshold": 70, "MemoryThreshold": 90},
        DownScaling={"IgnoreMetricsTime": 20},
    )
    root("SetAttributes", Level="layer", OwnerId=app, CustomJson='{"nginx": {"port": 8080}}')
    root(
        "PutDataBagItem",
        StackId=stack,
        Bag="keys",
        Item="api",
        Level="layer",
        OwnerId=app,
        Value={"key": "yes", "list": ["on", "8:30", 1, True]},
    )
    return {"app": app, "lb": balancing, "db-master": database}


def shop_instances(root: Caller, stack: str, layers: dict[str, str]) -> None:
    root.instance(stack, layers["app"], Hostname="app1")
    night = root.instance(stack, layers["app"], Hostname="night", AutoScalingType="timer", InstanceType="large")
    root(
        "SetTimeBasedAutoScaling",
        InstanceId=night,
        AutoScalingSchedule={"Monday": {"8": "on", "9": "on", "22": "off"}, "Sunday": {"0": "on", "23": "on"}},
    )
    root.instance(stack, layers["app"], Hostname="burst", AutoScalingType="load", RootDeviceType="instance-store")
    db = root.instance(stack, layers["db-master"], Hostname="db1")
    root("SetAttributes", Level="instance", OwnerId=db, CustomJson='{"first": true}')


def shop_apps(root: Caller, stack: str) -> None:
    found = root("DescribeInstances", StackId=stack)["Instances"]
    db = next(each["Arn"] for each in found if each["Hostname"] == "db1")
    blog = root.app(
        stack,
        Name="Blog",
        Shortname="blog",
        Type="rails",
        Description="What we write",
        AppSource={"Type": "git", "Url": "git@example.org:blog.git", "SshKey": "KEY", "Revision": "main"},
        Environment=[
            {"Key": "RAILS_ENV", "Value": "production"},
            {"Key": "TOKEN", "Value": "t0ken", "Secure": True},
            {"Key": "EMPTY", "Value": ""},
        ],
        Domains=["blog.example.org"],
        Attributes={"RailsEnv": "production", "AutoBundleOnDeploy": "true"},
        DataSources=[{"Type": "RdsDbInstance", "Arn": RDS, "DatabaseName": "blog"}],
        EnableSsl=True,
        SslConfiguration={"Certificate": "-----BEGIN\nCERT\n", "PrivateKey": "-----BEGIN\nKEY\n"},
    )
    root.app(
        stack,
        Name="Shop",
        Shortname="web-shop",
        Type="php",
        DataSources=[{"Type": "OpsworksMysqlInstance", "Arn": db, "DatabaseName": "shop"}],
    )
    root("SetAttributes", Level="app", OwnerId=blog, CustomJson='{"workers":2}')
    root("PutDataBagItem", StackId=stack, Bag="x", Item="y", Level="app", OwnerId=blog, Value={"z": "w"})


def exported(root: Caller, name: str = "shop") -> StackFile:
    found = fetched(root, name)
    assert found is not None
    return found.document


def plan(root: Caller, document: StackFile, **wish: Any) -> Plan:
    return planned(root, document, Wish(**wish))[0]


def bring_about(root: Caller, document: StackFile, **wish: Any) -> Plan:
    made, ids = planned(root, document, Wish(**wish))
    assert made.impossible == ()
    assert made.missing == ()
    carry_out(root, made.steps, ids, Secrets(wish.get("secrets", {}), wish.get("renew", False)))
    return made


def secrets_of(document: StackFile) -> dict[str, str]:
    return {name: f"secret {name}" for name in names_of(document)}


_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def described(root: Caller) -> list[dict[str, Any]]:
    """What describe calls answer of the stack, without ids and times."""
    stack = root("DescribeStacks")["Stacks"][0]
    layers = [each["LayerId"] for each in root("DescribeLayers", StackId=stack["StackId"])["Layers"]]
    instances = root("DescribeInstances", StackId=stack["StackId"])["Instances"]
    timers = [each["InstanceId"] for each in instances if each.get("AutoScalingType") == "timer"]
    answers = [
        *(root("DescribeStacks"), root("DescribeStackOverviews"), root("DescribeUserProfiles")),
        root("ListTags", ResourceArn=stack["Arn"]),
        root("DescribeLoadBasedAutoScaling", LayerIds=layers),
        root("DescribeTimeBasedAutoScaling", InstanceIds=timers),
    ]
    for operation in (
        *("DescribeLayers", "DescribeInstances", "DescribeApps", "DescribePermissions", "DescribeRdsDbInstances"),
        *("DescribeEcsClusters", "DescribeElasticLoadBalancers", "DescribeDataBags", "DescribeAttributes"),
    ):
        answers.append(root(operation, StackId=stack["StackId"]))
    found: list[dict[str, Any]] = _same(answers)
    return found


_TIMES = frozenset({"CreatedAt", "RegisteredAt", "UpdatedAt", "AttachedAt"})


def _same(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _same(each) for key, each in value.items() if key not in _TIMES}
    if isinstance(value, list):
        return [_same(each) for each in value]
    return _IDS.sub("ID", value) if isinstance(value, str) else value


def test_what_is_exported_and_applied_to_an_empty_server_is_the_same_stack(root: Caller, another: Caller) -> None:
    shop(root)
    document = exported(root)

    bring_about(another, load(written(document), "shop.yaml"), secrets=secrets_of(document))

    assert exported(another) == document
    assert described(another) == described(root)
