"""Layers."""

from __future__ import annotations

from typing import Any

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World
from tests.server.operations.calls import PROFILE

LOG_STREAM = {
    "LogGroupName": "shop/web",
    "DatetimeFormat": "%Y-%m-%d",
    "TimeZone": "UTC",
    "File": "/var/log/web*.log",
    "FileFingerprintLines": "1-3",
    "MultiLineStartPattern": "{datetime_format}",
    "InitialPosition": "end_of_file",
    "Encoding": "utf_8",
    "BufferDuration": 5000,
    "BatchCount": 1000,
    "BatchSize": 32768,
}
VOLUME = {
    "MountPoint": "/srv/data",
    "RaidLevel": 1,
    "NumberOfDisks": 2,
    "Size": 20,
    "VolumeType": "io1",
    "Iops": 100,
    "Encrypted": False,
}
EVENTS = ("Setup", "Configure", "Deploy", "Undeploy", "Shutdown")
CHANGEABLE: dict[str, Any] = {
    "CloudWatchLogsConfiguration": {"Enabled": True, "LogStreams": [LOG_STREAM]},
    "CustomInstanceProfileArn": PROFILE,
    "CustomJson": '{"a": 1}',
    "CustomSecurityGroupIds": ["sg-0a1b2c3d"],
    "Packages": ["curl"],
    "VolumeConfigurations": [VOLUME],
    "EnableAutoHealing": False,
    "AutoAssignElasticIps": True,
    "AutoAssignPublicIps": True,
    "CustomRecipes": {event: [f"web::{event.lower()}"] for event in EVENTS},
    "InstallUpdatesOnBoot": False,
    "UseEbsOptimizedInstances": True,
    "LifecycleEventConfiguration": {"Shutdown": {"ExecutionTimeout": 150, "DelayUntilElbConnectionsDrained": False}},
}
TYPES = {
    "lb": {"EnableHaproxyStats": "true", "HaproxyStatsUrl": "/stats", "HaproxyHealthCheckMethod": "OPTIONS"},
    "web": {},
    "php-app": {},
    "rails-app": {"RailsStack": "apache_passenger", "RubyVersion": "2.3", "ManageBundler": "true"},
    "nodejs-app": {"NodejsVersion": "0.12.18"},
    "java-app": {"Jvm": "openjdk", "JvmVersion": "8", "JavaAppServer": "tomcat"},
    "aws-flow-ruby": {},
    "memcached": {"MemcachedMemory": "512"},
    "db-master": {"MysqlRootPassword": "a-long-word", "MysqlRootPasswordUbiquitous": "true"},
    "monitoring-master": {"GangliaUrl": "/ganglia", "GangliaUser": "opsworks", "GangliaPassword": "a-long-word"},
}


@case("CreateLayer")
def create_layer(w: World) -> Case:
    stack = w.stack()
    least = {"StackId": stack, "Type": "custom", "Name": "Least", "Shortname": "least"}
    typed = [
        {"StackId": stack, "Type": type, "Name": type, "Shortname": type, "Attributes": attributes}
        for type, attributes in TYPES.items()
    ]
    return Case(
        minimal=least,
        fuller=[{**least, "Name": "Most", "Shortname": "most", **CHANGEABLE}, *typed],
        invalid=[
            ({**least, "Type": "kitchen"}, "kitchen"),
            ({**least, "Shortname": "Big Words"}, "Big Words"),
            (
                {**least, "Shortname": "web", "Type": "web", "Attributes": {"MysqlRootPassword": "a"}},
                "MysqlRootPassword",
            ),
            ({**least, "Shortname": "x", "CustomRecipes": {"Setup": ["no recipe"]}}, "no recipe"),
            ({**least, "Shortname": "x", "CustomJson": "{"}, "CustomJson"),
        ],
        missing=[({**least, "StackId": NOWHERE}, NOWHERE)],
    )


@case("UpdateLayer")
def update_layer(w: World) -> Case:
    stack = w.stack()
    layer, other = w.layer(stack), w.layer(stack, "other")
    balancer = w.layer(stack, "lb", Type="lb")
    least = {"LayerId": layer}
    return Case(
        minimal=least,
        fuller=[
            {**least, "Name": "New", "Shortname": "new", **CHANGEABLE},
            {"LayerId": balancer, "Attributes": {"EnableHaproxyStats": "false"}},
        ],
        invalid=[
            ({"LayerId": other, "Shortname": "lb"}, "lb"),
            ({"LayerId": layer, "VolumeConfigurations": [{**VOLUME, "MountPoint": "data"}]}, "MountPoint"),
        ],
        missing=[({"LayerId": NOWHERE}, NOWHERE)],
    )


@case("DeleteLayer")
def delete_layer(w: World) -> Case:
    stack = w.stack()
    full = w.layer(stack, "full")
    w.instance(stack, full)
    return Case(
        minimal={"LayerId": w.layer(stack, "empty")},
        invalid=[({"LayerId": full}, "instance")],
        missing=[({"LayerId": NOWHERE}, NOWHERE)],
    )


@case("DescribeLayers")
def describe_layers(w: World) -> Case:
    stack = w.stack()
    layer = w.layer(stack, **CHANGEABLE)
    w.layer(stack, "db", Type="db-master", Attributes=TYPES["db-master"])
    return Case(
        minimal={"StackId": stack},
        fuller=[{"LayerIds": [layer]}],
        invalid=[({}, "Please provide"), ({"StackId": stack, "LayerIds": [layer]}, "Please provide")],
        missing=[({"StackId": NOWHERE}, NOWHERE), ({"LayerIds": [NOWHERE]}, NOWHERE)],
    )


@case("GetHostnameSuggestion")
def get_hostname_suggestion(w: World) -> Case:
    return Case(minimal={"LayerId": w.layer(w.stack())}, missing=[({"LayerId": NOWHERE}, NOWHERE)])
