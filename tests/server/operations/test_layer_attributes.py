"""The attributes of built-in layers, type by type (chapter 02 § 5)."""

from __future__ import annotations

import pytest

from tests.server.operations.calls import Caller
from tests.server.operations.test_layers import CLUSTER, FILTERED, built_in, shown
from toque_server.domain.layer_kinds import KINDS
from toque_server.operations.errors import ValidationException
from toque_server.store import layers

# As the chapter's table has them; None is a key without a default.
DEFAULTS: dict[str, dict[str, str | None]] = {
    "lb": {
        "EnableHaproxyStats": "true",
        "HaproxyStatsUrl": "/haproxy?stats",
        "HaproxyStatsUser": "opsworks",
        "HaproxyStatsPassword": FILTERED,
        "HaproxyHealthCheckUrl": "/",
        "HaproxyHealthCheckMethod": "OPTIONS",
    },
    "db-master": {"MysqlRootPassword": FILTERED, "MysqlRootPasswordUbiquitous": "true"},
    "monitoring-master": {"GangliaUrl": "/ganglia", "GangliaUser": "opsworks", "GangliaPassword": FILTERED},
    "memcached": {"MemcachedMemory": "512"},
    "nodejs-app": {"NodejsVersion": None},
    "rails-app": {
        "RubyVersion": "2.3",
        "RubygemsVersion": "2.5.1",
        "ManageBundler": "true",
        "BundlerVersion": "1.12.5",
        "RailsStack": "apache_passenger",
        "PassengerVersion": "5.0.28",
    },
    "java-app": {
        "Jvm": "openjdk",
        "JvmVersion": "7",
        "JvmOptions": None,
        "JavaAppServer": "tomcat",
        "JavaAppServerVersion": "7",
    },
    "aws-flow-ruby": {"RubygemsVersion": "2.5.1", "BundlerVersion": "1.12.5"},
    "ecs-cluster": {"EcsClusterArn": CLUSTER},
}


@pytest.mark.parametrize("type", [name for name in KINDS if name != "custom"])
def test_l_7_and_02_7_a_built_in_type_shows_all_its_keys_with_their_defaults(root: Caller, type: str) -> None:
    layer = shown(root, built_in(root, root.stack(), type))

    assert layer["Attributes"] == DEFAULTS.get(type, {})
    assert (layer["Shortname"], layer["DefaultSecurityGroupNames"]) == (type, [KINDS[type].security_group])


def test_l_4_null_resets_an_attribute_to_its_default_and_a_made_up_password_to_another(root: Caller) -> None:
    def password() -> str:
        with root.services.database.read() as conn:
            return layers.secrets(conn, root.services.vault, [lb])[lb].attributes["HaproxyStatsPassword"]

    stack = root.stack()
    lb = root.layer(stack, "lb", Type="lb", Attributes={"HaproxyStatsUrl": "/s", "HaproxyHealthCheckMethod": "GET"})
    first = password()

    root("UpdateLayer", LayerId=lb, Attributes={"HaproxyStatsUrl": None, "HaproxyStatsPassword": None})

    assert shown(root, lb)["Attributes"] == DEFAULTS["lb"] | {"HaproxyHealthCheckMethod": "GET"}
    assert len(password()) >= 16
    assert password() != first


def test_02_7_a_needed_password_is_not_reset(root: Caller) -> None:
    db = built_in(root, root.stack(), "db-master")

    for gone in (None, ""):
        with pytest.raises(ValidationException, match="MysqlRootPassword is missing"):
            root("UpdateLayer", LayerId=db, Attributes={"MysqlRootPassword": gone})


@pytest.mark.parametrize(
    ("type", "key", "value", "why"),
    [
        ("lb", "EnableHaproxyStats", "yes", "true, false"),
        ("lb", "HaproxyHealthCheckMethod", "POST", "OPTIONS, GET, HEAD"),
        ("lb", "HaproxyStatsUrl", "stats", "begins with '/'"),
        ("lb", "HaproxyHealthCheckUrl", "/a\nserver x", "begins with '/'"),
        ("lb", "HaproxyStatsUser", "a:b", "without blanks and colons"),
        ("lb", "HaproxyStatsPassword", "a\nb", "one line"),
        ("memcached", "MemcachedMemory", "lots", "whole number of MB"),
        ("memcached", "MemcachedMemory", "0", "whole number of MB"),
        ("rails-app", "RailsStack", "puma", "apache_passenger, nginx_unicorn"),
        ("rails-app", "RubyVersion", "; rm", "a version such as"),
        ("java-app", "Jvm", "oracle", "openjdk"),
        ("java-app", "JavaAppServer", "jetty", "tomcat"),
        ("nodejs-app", "NodejsVersion", "", "a version such as"),
        ("lb", "GangliaUrl", "/g", "a layer of type lb has no 'GangliaUrl'"),
        ("custom", "RubyVersion", "2.3", "a layer of type custom has no 'RubyVersion'; it has none"),
    ],
)
def test_l_7_attributes_that_no_recipe_could_use(root: Caller, type: str, key: str, value: str, why: str) -> None:
    with pytest.raises(ValidationException, match=why):
        root.layer(root.stack(), "x", Type=type, Attributes={key: value})


def test_l_7_options_of_the_jvm_are_not_looked_into(root: Caller) -> None:
    layer = root.layer(root.stack(), "x", Type="java-app", Attributes={"JvmOptions": "-Xmx1g -Dno=such -thing"})

    assert shown(root, layer)["Attributes"]["JvmOptions"] == "-Xmx1g -Dno=such -thing"
