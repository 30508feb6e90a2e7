"""The answers that can be imported: known by their top-level member, checked against what the server declares.

An answer of ours has exactly the members that OpsWorks' had, so the declarations of our operations say what a dump may
hold. A value of another type is an error; a member that nobody knows is reported and left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple


class Kind(NamedTuple):
    """`id` are the members that name a record, `needs` those that it cannot do without besides."""

    operation: str
    id: tuple[str, ...]
    needs: tuple[str, ...] = ()


KINDS: Final[Mapping[str, Kind]] = {
    "Stacks": Kind("DescribeStacks", ("StackId",), ("Name", "Region")),
    "Layers": Kind("DescribeLayers", ("LayerId",), ("StackId", "Type", "Name", "Shortname")),
    "Instances": Kind("DescribeInstances", ("InstanceId",), ("StackId", "Hostname", "LayerIds")),
    "Apps": Kind("DescribeApps", ("AppId",), ("StackId", "Name", "Shortname", "Type")),
    "Permissions": Kind("DescribePermissions", ("StackId", "IamUserArn")),
    "UserProfiles": Kind("DescribeUserProfiles", ("IamUserArn",)),
    "TimeBasedAutoScalingConfigurations": Kind("DescribeTimeBasedAutoScaling", ("InstanceId",)),
    "LoadBasedAutoScalingConfigurations": Kind("DescribeLoadBasedAutoScaling", ("LayerId",)),
    "RdsDbInstances": Kind("DescribeRdsDbInstances", ("RdsDbInstanceArn",), ("StackId", "DbUser")),
    "ElasticIps": Kind("DescribeElasticIps", ("Ip",)),
    "Volumes": Kind("DescribeVolumes", ("VolumeId",)),
    "RaidArrays": Kind("DescribeRaidArrays", ("RaidArrayId",)),
    "ElasticLoadBalancers": Kind("DescribeElasticLoadBalancers", ("ElasticLoadBalancerName", "LayerId")),
    "EcsClusters": Kind("DescribeEcsClusters", ("EcsClusterArn",), ("StackId",)),
}

TAGS: Final = "Tags"
"""The member of ListTags' answer, which does not say whose tags they are."""

NOT_IMPORTED: Final[Mapping[str, str]] = {
    "Deployments": "what was deployed is history, and stays with AWS",
    "Commands": "what was run is history, and stays with AWS",
    "ServiceErrors": "errors of the old service are history",
    "StackSummary": "it only counts what other answers list",
    "UserProfile": "it is one of those that describe-user-profiles lists",
    "AgentVersions": "the server has agents of its own",
    "OperatingSystems": "the server has a list of its own",
    "Parameters": "machines join anew, with a token of the server's",
    "Hostname": "it is a suggestion, and nothing that was made",
    "TemporaryCredential": "it has run out long ago",
}
"""Other answers of OpsWorks, and why they are left alone."""


_INSIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "EnvironmentVariable": ("Key",),
    "VolumeConfiguration": ("MountPoint", "NumberOfDisks", "Size"),
    "CloudWatchLogsLogStream": ("File",),
}
"""What the structures within a record cannot do without."""


class Shapes(NamedTuple):
    """The server's declarations: `structures` and `operations`, as `operations.json` has them."""

    structures: Mapping[str, Mapping[str, str]]
    operations: Mapping[str, Mapping[str, Any]]

    def of(self, kind: str) -> str:
        """The structure of one record: `[Stack]!` is a list of Stack."""
        text: str = self.operations[KINDS[kind].operation]["answer"][kind]
        return text.strip("[]!")


def wrong(kind: str, record: Mapping[str, Any], shapes: Shapes) -> Iterator[str]:
    """What is wrong with a record: `Layers[2].Packages: …` without the first part."""
    about = KINDS[kind]
    for name in (*about.id, *about.needs):
        value = record.get(name)
        if value is None or value == "":
            yield f".{name} is missing"
    yield from _wrong_structure(record, shapes.of(kind), shapes)


def unknown(kind: str, record: Mapping[str, Any], shapes: Shapes) -> Collection[str]:
    """The members that nobody knows, as `SslConfiguration.Colour`."""
    return list(_unknown(record, shapes.of(kind), shapes, ""))


def _wrong_structure(record: Mapping[str, Any], structure: str, shapes: Shapes) -> Iterator[str]:
    yield from (f".{name} is missing" for name in _INSIDE.get(structure, ()) if record.get(name) in (None, ""))
    for name, text in shapes.structures[structure].items():
        if record.get(name) is not None:
            yield from (f".{name}{each}" for each in _wrong(record[name], text.rstrip("!?"), shapes))


def _wrong(value: Any, text: str, shapes: Shapes) -> Iterator[str]:
    if text[0] == "[":
        if not isinstance(value, list):
            yield _other(value, "a list")
            return
        for number, each in enumerate(value):
            yield from (f"[{number}]{said}" for said in _wrong(each, text[1:-1].rstrip("!"), shapes))
    elif text[0] == "{":
        if not isinstance(value, dict):
            yield _other(value, "an object")
            return
        for key, each in value.items():
            if each is not None:
                yield from (f".{key}{said}" for said in _wrong(each, text[1:-1].rstrip("!?"), shapes))
    elif text[0].isupper():
        if not isinstance(value, dict):
            yield _other(value, "an object")
            return
        yield from _wrong_structure(value, text, shapes)
    elif text[0] == "=":
        choices = text[1:].split("|")
        if value not in choices:
            yield f" must be {' or '.join(choices)}, not {value!r}"
    elif not _fits(value, text):
        yield _other(value, _WORDS.get(text, "a text"))


_WORDS: Final = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}


def _fits(value: Any, text: str) -> bool:
    match text:
        case "any":
            return True
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)


def _other(value: Any, wanted: str) -> str:
    names = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return f" must be {wanted}, not {names.get(type(value), 'null')}"


def _unknown(value: Any, text: str, shapes: Shapes, path: str) -> Iterator[str]:
    text = text.rstrip("!?")
    if text[0] in "[{" and isinstance(value, list | dict):
        each_of = value if isinstance(value, list) else value.values()
        for each in each_of:
            yield from _unknown(each, text[1:-1], shapes, path)
    elif text[0].isupper() and isinstance(value, dict):
        members = shapes.structures[text]
        for name, inner in value.items():
            here = f"{path}.{name}" if path else name
            if name in members:
                yield from _unknown(inner, members[name], shapes, here)
            else:
                yield here
