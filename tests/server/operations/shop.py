"""A stack with something of everything: three layers, two apps, schedules, data bags, permissions and secrets."""

from __future__ import annotations

from tests.server.operations.calls import Caller

RDS = "arn:aws:rds:eu-west-1:123456789012:db:orders"
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs"
ANN = "arn:aws:iam::123456789012:user/ann"
BOB = "arn:aws:iam::123456789012:user/bob"
GUEST = "arn:aws:iam::210987654321:user/guest"


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
