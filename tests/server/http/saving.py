"""A stack with one of everything, and what a server describes of its stacks: as files, and in a form to compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.server.operations.calls import Caller
from toque.importer.kinds import KINDS

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKk1VFqkMYLlyRcLrw1AhnRBXpmrbqfbGJrvkOT6xwbs ann"
DATABASE = "arn:aws:rds:eu-west-1:123456789012:db:shop"
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"


def shop(call: Caller) -> str:
    """A stack with three layers, two apps, schedules, permissions, and one of everything else."""
    stack = call.stack(
        Region="eu-west-1",
        DefaultOs="Debian 12",
        HostnameTheme="Clouds",
        Attributes={"Color": "rgb(1, 2, 3)"},
        CustomJson='{"shop": {"currency": "EUR"}}',
        UseCustomCookbooks=True,
        CustomCookbooksSource={
            "Type": "git",
            "Url": "https://example.org/cookbooks",
            "Username": "ci",
            "Password": "hidden",
        },
        DefaultSshKeyName="ops",
        VpcId="vpc-1",
        DefaultSubnetId="subnet-1",
    )
    call("RegisterEcsCluster", StackId=stack, EcsClusterArn=CLUSTER)
    call("PutDatabase", RdsDbInstanceArn=DATABASE, Address="db.example.org", Port=3306, Engine="mysql")
    call("RegisterRdsDbInstance", StackId=stack, RdsDbInstanceArn=DATABASE, DbUser="shop", DbPassword="hidden")
    layers = _layers(call, stack)
    _instances(call, stack, layers)
    _apps(call, stack)
    for name, members in {
        "ann": {"SshPublicKey": KEY, "AllowSelfManagement": True},
        "bob": {"SshUsername": "robert"},
        "carl": {},
    }.items():
        call("CreateUserProfile", IamUserArn=f"arn:aws:iam::123456789012:user/{name}", **members)
    arn = "arn:aws:iam::123456789012:user/"
    call("SetPermission", StackId=stack, IamUserArn=f"{arn}ann", Level="manage", AllowSsh=True, AllowSudo=True)
    call("SetPermission", StackId=stack, IamUserArn=f"{arn}bob", Level="show")
    call("TagResource", ResourceArn=call("DescribeStacks")["Stacks"][0]["Arn"], Tags={"team": "web"})
    return stack


def _layers(call: Caller, stack: str) -> list[str]:
    balancing = call.layer(
        stack,
        "lb",
        Type="lb",
        Name="Balancer",
        Attributes={"HaproxyStatsPassword": "hidden"},
        AutoAssignElasticIps=False,
    )
    front = call.layer(
        stack,
        "front",
        Name="Front end",
        CustomRecipes={"Setup": ["shop::base"], "Deploy": ["shop::deploy", "nginx"]},
        Packages=["git"],
        CustomJson='{"workers": 4}',
        VolumeConfigurations=[{"MountPoint": "/vol/data", "NumberOfDisks": 1, "Size": 20, "VolumeType": "gp2"}],
        LifecycleEventConfiguration={"Shutdown": {"ExecutionTimeout": 60, "DelayUntilElbConnectionsDrained": False}},
        CustomSecurityGroupIds=["sg-1"],
        EnableAutoHealing=False,
        CloudWatchLogsConfiguration={"Enabled": True, "LogStreams": [{"File": "/var/log/a", "LogGroupName": "a"}]},
    )
    workers = call.layer(stack, "workers", InstallUpdatesOnBoot=False)
    call(
        "SetLoadBasedAutoScaling",
        LayerId=workers,
        Enable=True,
        UpScaling={"InstanceCount": 2, "CpuThreshold": 75.5, "MemoryThreshold": 70},
        DownScaling={"ThresholdsWaitTime": 20},
    )
    call("AttachElasticLoadBalancer", ElasticLoadBalancerName="shop-front", LayerId=front)
    arn = next(each["Arn"] for each in call("DescribeLayers", LayerIds=[front])["Layers"])
    call("TagResource", ResourceArn=arn, Tags={"tier": "front"})
    return [balancing, front, workers]


def _instances(call: Caller, stack: str, layers: list[str]) -> None:
    balancing, front, workers = layers
    first = call.instance(stack, balancing, Hostname="lb1", InstanceType="large", SshKeyName="other")
    timed = call.instance(stack, front, workers, Hostname="web1", AutoScalingType="timer", Os="Rocky Linux 9")
    call.instance(stack, workers, Hostname="work1", AutoScalingType="load", RootDeviceType="instance-store")
    call("SetTimeBasedAutoScaling", InstanceId=timed, AutoScalingSchedule={"Monday": {"8": "on", "9": "on"}})
    call("RegisterElasticIp", StackId=stack, ElasticIp="203.0.113.7")
    call("UpdateElasticIp", ElasticIp="203.0.113.7", Name="front door")
    call("AssociateElasticIp", ElasticIp="203.0.113.7", InstanceId=first)
    volume = call("RegisterVolume", StackId=stack, Ec2VolumeId="vol-0abc")["VolumeId"]
    call("UpdateVolume", VolumeId=volume, Name="uploads", MountPoint="/vol/uploads")
    call("AssignVolume", VolumeId=volume, InstanceId=first)


def _apps(call: Caller, stack: str) -> None:
    call.app(
        stack,
        Name="Store",
        Shortname="store",
        Description="the web shop",
        AppSource={"Type": "git", "Url": "git@example.org:shop/store.git", "SshKey": "hidden", "Revision": "v1"},
        DataSources=[{"Type": "RdsDbInstance", "Arn": DATABASE, "DatabaseName": "store"}],
        Domains=["www.example.org"],
        EnableSsl=True,
        SslConfiguration={"Certificate": "certificate", "PrivateKey": "hidden", "Chain": "chain"},
        Environment=[
            {"Key": "STAGE", "Value": "production"},
            {"Key": "API_KEY", "Value": "hidden", "Secure": True},
        ],
    )
    call.app(stack, Name="Jobs", Type="static", Attributes={"DocumentRoot": "public"})


SECRETS = (
    *("COOKBOOKS_PASSWORD", "LAYER_LB_HAPROXY_STATS_PASSWORD", "DATABASE_SHOP_PASSWORD"),
    *("APP_STORE_SSH_KEY", "APP_STORE_SSL_PRIVATE_KEY", "APP_STORE_ENV_API_KEY"),
)


def answers(call: Caller) -> dict[str, dict[str, Any]]:
    """Every describe-* of every stack, by file name, as a script saves them."""
    found: dict[str, dict[str, Any]] = {"stacks": call("DescribeStacks"), "users": call("DescribeUserProfiles")}
    for stack in found["stacks"]["Stacks"]:
        id = stack["StackId"]
        for kind, about in KINDS.items():
            if kind in ("Stacks", "UserProfiles", "TimeBasedAutoScalingConfigurations"):
                continue
            if kind == "LoadBasedAutoScalingConfigurations":
                layers = [each["LayerId"] for each in call("DescribeLayers", StackId=id)["Layers"]]
                found[f"{id}/{kind}"] = call(about.operation, LayerIds=layers)
            else:
                found[f"{id}/{kind}"] = call(about.operation, StackId=id)
        timed = [
            each["InstanceId"]
            for each in found[f"{id}/Instances"]["Instances"]
            if each.get("AutoScalingType") == "timer"
        ]
        if timed:
            found[f"{id}/time"] = call("DescribeTimeBasedAutoScaling", InstanceIds=timed)
        for each in (stack, *found[f"{id}/Layers"]["Layers"]):
            own = each.get("LayerId", id)
            found[f"{id}/tags-{own}"] = call("ListTags", ResourceArn=each["Arn"])
    return found


def saved(call: Caller, folder: Path) -> Path:
    for name, answer in answers(call).items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(answer, indent=4))
    return folder


def alike(call: Caller) -> dict[str, Any]:
    """Every answer without what must differ: ids are called by their owners' names, and times are left out."""
    found = answers(call)
    names: dict[str, str] = {}
    for answer in found.values():
        for records in answer.values():
            for each in records if isinstance(records, list) else ():
                for id, name in (
                    *(("StackId", "Name"), ("LayerId", "Shortname"), ("InstanceId", "Hostname")),
                    *(("AppId", "Shortname"), ("VolumeId", "Ec2VolumeId")),
                ):
                    if id in each and name in each:
                        names.setdefault(each[id], f"<{each[name]}>")
    text = json.dumps(found)
    for id, name in sorted(names.items(), key=lambda one: one[1].startswith("<shop")):
        text = text.replace(id, name)
    return {name: _timeless(answer) for name, answer in json.loads(text).items()}


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(each) for name, each in value.items() if name not in ("CreatedAt", "RegisteredAt")}
    if isinstance(value, list):
        return [_timeless(each) for each in value]
    return value
