"""What each layer type is: its attributes, its group, its neighbours and its volumes (chapter 02 § 2, § 5).

The built-in recipes of a type stand in `layer_types`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from toque_server.domain.volume_configuration import VolumeConfiguration


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One type. Attribute values are strings on the wire; those in `generated` are made up when not sent."""

    name: str
    title: str
    security_group: str
    compatible: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = {}
    secret_attributes: frozenset[str] = frozenset()
    generated: frozenset[str] = frozenset()
    required_attributes: tuple[str, ...] = ()
    attribute_values: Mapping[str, tuple[str, ...]] = {}
    elastic_ips: bool = False
    volumes: tuple[VolumeConfiguration, ...] = ()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BOOLEAN = ("true", "false")

_KINDS = (
    Kind(name="custom", title="Custom", security_group="AWS-OpsWorks-Custom-Server"),
    Kind(
        name="lb",
        title="HAProxy",
        security_group="AWS-OpsWorks-LB-Server",
        compatible=_words("db-master memcached redis"),
        attributes=_words(
            "EnableHaproxyStats HaproxyStatsUrl HaproxyStatsUser HaproxyStatsPassword HaproxyHealthCheckUrl"
            " HaproxyHealthCheckMethod"
        ),
        defaults={
            "EnableHaproxyStats": "true",
            "HaproxyStatsUrl": "/haproxy?stats",
            "HaproxyStatsUser": "opsworks",
            "HaproxyHealthCheckUrl": "/",
            "HaproxyHealthCheckMethod": "OPTIONS",
        },
        secret_attributes=_words("HaproxyStatsPassword"),
        generated=_words("HaproxyStatsPassword"),
        attribute_values={"EnableHaproxyStats": _BOOLEAN, "HaproxyHealthCheckMethod": ("OPTIONS", "GET", "HEAD")},
        elastic_ips=True,
    ),
    Kind(
        name="web",
        title="Static Web Server",
        security_group="AWS-OpsWorks-Web-Server",
        compatible=_words("db-master memcached redis"),
    ),
    Kind(
        name="python-app",
        title="Python App Server",
        security_group="AWS-OpsWorks-Python-App-Server",
        compatible=_words("db-master memcached monitoring-master redis"),
    ),
    Kind(
        name="php-app",
        title="PHP App Server",
        security_group="AWS-OpsWorks-PHP-App-Server",
        compatible=_words("db-master memcached monitoring-master rails-app redis"),
    ),
    Kind(
        name="rails-app",
        title="Rails App Server",
        security_group="AWS-OpsWorks-Rails-App-Server",
        compatible=_words("db-master memcached monitoring-master php-app redis"),
        attributes=_words("RubyVersion RubygemsVersion ManageBundler BundlerVersion RailsStack PassengerVersion"),
        defaults={
            "RubyVersion": "2.3",
            "RubygemsVersion": "2.5.1",
            "ManageBundler": "true",
            "BundlerVersion": "1.12.5",
            "RailsStack": "apache_passenger",
            "PassengerVersion": "5.0.28",
        },
        attribute_values={"ManageBundler": _BOOLEAN, "RailsStack": ("apache_passenger", "nginx_unicorn")},
    ),
    Kind(
        name="nodejs-app",
        title="Node.js App Server",
        security_group="AWS-OpsWorks-nodejs-App-Server",
        compatible=_words("db-master memcached monitoring-master redis"),
        attributes=_words("NodejsVersion"),
    ),
    Kind(
        name="java-app",
        title="Java App Server",
        security_group="AWS-OpsWorks-Java-App-Server",
        compatible=_words("db-master memcached redis"),
        attributes=_words("Jvm JvmVersion JvmOptions JavaAppServer JavaAppServerVersion"),
        defaults={"Jvm": "openjdk", "JvmVersion": "7", "JavaAppServer": "tomcat", "JavaAppServerVersion": "7"},
        attribute_values={"Jvm": ("openjdk",), "JavaAppServer": ("tomcat",)},
    ),
    Kind(
        name="aws-flow-ruby",
        title="AWS Flow (Ruby)",
        security_group="AWS-OpsWorks-AWS-Flow-Ruby-Server",
        compatible=_words("php-app db-master memcached monitoring-master"),
        attributes=_words("RubygemsVersion BundlerVersion"),
        defaults={"RubygemsVersion": "2.5.1", "BundlerVersion": "1.12.5"},
    ),
    Kind(
        name="db-master",
        title="MySQL",
        security_group="AWS-OpsWorks-DB-Master-Server",
        compatible=_words("lb memcached monitoring-master nodejs-app php-app python-app rails-app web redis"),
        attributes=_words("MysqlRootPassword MysqlRootPasswordUbiquitous"),
        defaults={"MysqlRootPasswordUbiquitous": "true"},
        secret_attributes=_words("MysqlRootPassword"),
        required_attributes=("MysqlRootPassword",),
        attribute_values={"MysqlRootPasswordUbiquitous": _BOOLEAN},
        volumes=(VolumeConfiguration("/vol/mysql", 1, 10),),
    ),
    Kind(
        name="memcached",
        title="Memcached",
        security_group="AWS-OpsWorks-Memcached-Server",
        compatible=_words("db-master lb monitoring-master nodejs-app php-app python-app rails-app web redis"),
        attributes=_words("MemcachedMemory"),
        defaults={"MemcachedMemory": "512"},
    ),
    Kind(
        name="redis",
        title="Redis",
        security_group="AWS-OpsWorks-Redis-Server",
        compatible=_words("db-master lb memcached monitoring-master nodejs-app php-app python-app rails-app web"),
    ),
    Kind(
        name="monitoring-master",
        title="Ganglia",
        security_group="AWS-OpsWorks-Monitoring-Master-Server",
        compatible=_words("db-master memcached php-app python-app rails-app redis"),
        attributes=_words("GangliaUrl GangliaUser GangliaPassword"),
        defaults={"GangliaUrl": "/ganglia", "GangliaUser": "opsworks"},
        secret_attributes=_words("GangliaPassword"),
        generated=_words("GangliaPassword"),
        volumes=(VolumeConfiguration("/vol/ganglia", 1, 10),),
    ),
    Kind(
        name="ecs-cluster",
        title="ECS Cluster",
        security_group="AWS-OpsWorks-ECS-Cluster",
        attributes=_words("EcsClusterArn"),
        required_attributes=("EcsClusterArn",),
    ),
)

KINDS: Final[Mapping[str, Kind]] = {each.name: each for each in _KINDS}
