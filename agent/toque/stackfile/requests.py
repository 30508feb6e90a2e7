"""From a step to the operations that take it, with ids for names and values for secrets; nothing is sent here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from toque.stackfile.comparing import JSON_FIELDS, Secrets, agrees, as_object, filled
from toque.stackfile.hours import switched_on
from toque.stackfile.ids import Ids
from toque.stackfile.members import to_wire, wire_name
from toque.stackfile.model import PROFILE, ROLE, SecretRef, UpScaling
from toque.stackfile.plan import Change, Step
from toque.stackfile.records import json_text

INSTANCE_TYPE: Final = "small"


class Request(NamedTuple):
    """`keeps` is (level, name, member): under which name the id in that member of the answer is remembered."""

    operation: str
    members: Mapping[str, Any]
    keeps: tuple[str, str, str] | None = None


def requests_of(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    """The operations of one step, in order. Raises Unknown for a name that leads nowhere."""
    return _MAKERS[step.kind](step, ids, secrets)


def _stack(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    here = {"StackId": ids.stack}
    if step.part == "tags":
        return _tags(step.changes[0], ids.stack_arn)
    if step.part == "strict":
        return [Request("SetStackMode", here | {"Strict": step.changes[0].want})]
    members = _members(step, ids, secrets)
    if step.verb == "create":
        given = {"Region": "local", "ServiceRoleArn": ROLE, "DefaultInstanceProfileArn": PROFILE}
        return [Request("CreateStack", given | members, ("stack", step.name, "StackId"))]
    return [Request("UpdateStack", here | members)]


def _layer(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    if step.verb == "create":
        given = {"StackId": ids.stack, "Type": step.whole.type, "Name": step.name, "Shortname": step.name}
        return [Request("CreateLayer", given | _members(step, ids, secrets), ("layer", step.name, "LayerId"))]
    here = {"LayerId": ids.of("layer", step.name)}
    if step.verb == "delete":
        return [Request("DeleteLayer", here)]
    match step.part:
        case "tags":
            return _tags(step.changes[0], ids.arn("layer", step.name))
        case "load_based_auto_scaling":
            return [Request("SetLoadBasedAutoScaling", here | _load_scaling(step.changes[0]))]
        case "node_attributes":
            return [_attributes(step, "layer", ids, secrets)]
    return [Request("UpdateLayer", here | _members(step, ids, secrets))]


def _instance(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    if step.verb == "create":
        given = {"StackId": ids.stack, "Hostname": step.name, "InstanceType": INSTANCE_TYPE}
        return [Request("CreateInstance", given | _members(step, ids, secrets), ("instance", step.name, "InstanceId"))]
    here = {"InstanceId": ids.of("instance", step.name)}
    if step.verb == "delete":
        return [Request("DeleteInstance", here)]
    match step.part:
        case "schedule":
            return [Request("SetTimeBasedAutoScaling", here | {"AutoScalingSchedule": _schedule(step.changes[0])})]
        case "node_attributes":
            return [_attributes(step, "instance", ids, secrets)]
    return [Request("UpdateInstance", here | _members(step, ids, secrets))]


def _app(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    if step.verb == "create":
        given = {"StackId": ids.stack, "Name": step.name, "Type": step.whole.type, "Shortname": step.name}
        return [Request("CreateApp", given | _members(step, ids, secrets), ("app", step.name, "AppId"))]
    here = {"AppId": ids.of("app", step.name)}
    if step.verb == "delete":
        return [Request("DeleteApp", here)]
    if step.part == "node_attributes":
        return [_attributes(step, "app", ids, secrets)]
    return [Request("UpdateApp", here | _members(step, ids, secrets))]


def _user(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    return [Request("CreateUserProfile", {"IamUserArn": ids.user_arn(step.name)} | _members(step, ids, secrets))]


def _permission(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    members = _members(step, ids, secrets)
    if step.verb == "delete":
        members = {"Level": "iam_only", "AllowSsh": False, "AllowSudo": False}
    return [Request("SetPermission", {"StackId": ids.stack, "IamUserArn": ids.user_arn(step.name)} | members)]


def _cluster(step: Step, ids: Ids, _secrets: Secrets) -> list[Request]:
    if step.verb == "delete":
        return [Request("DeregisterEcsCluster", {"EcsClusterArn": step.name})]
    return [Request("RegisterEcsCluster", {"EcsClusterArn": step.name, "StackId": ids.stack})]


def _database(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    here = {"RdsDbInstanceArn": step.name}
    if step.verb == "delete":
        return [Request("DeregisterRdsDbInstance", here)]
    if step.verb == "create":
        return [Request("RegisterRdsDbInstance", here | {"StackId": ids.stack} | _members(step, ids, secrets))]
    return [Request("UpdateRdsDbInstance", here | _members(step, ids, secrets))]


def _item(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    assert step.owner is not None
    bag, _, item = step.name.partition("/")
    place: dict[str, Any] = {"StackId": ids.stack, "Bag": bag, "Item": item, "Level": step.owner.level}
    if step.owner.level != "stack":
        place["OwnerId"] = ids.of(*step.owner)
    if step.verb == "delete":
        return [Request("DeleteDataBagItem", place)]
    change = step.changes[0]
    return [Request("PutDataBagItem", place | {"Value": filled(change.want, change.was, secrets)})]


def _balancer(step: Step, ids: Ids, _secrets: Secrets) -> list[Request]:
    assert step.owner is not None
    members = {"ElasticLoadBalancerName": step.name, "LayerId": ids.of(*step.owner)}
    verb = "Detach" if step.verb == "delete" else "Attach"
    return [Request(f"{verb}ElasticLoadBalancer", members)]


def _elastic_ip(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    here = {"ElasticIp": step.name}
    if step.verb == "delete":
        return [Request("DeregisterElasticIp", here)]
    if step.part == "instance":
        host = step.changes[0].want
        if host is None:
            return [Request("DisassociateElasticIp", here)]
        return [Request("AssociateElasticIp", here | {"InstanceId": ids.of("instance", host)})]
    members = _members(step, ids, secrets)
    made = [Request("RegisterElasticIp", here | {"StackId": ids.stack})] if step.verb == "create" else []
    return made + ([Request("UpdateElasticIp", here | members)] if members else [])


def _volume(step: Step, ids: Ids, secrets: Secrets) -> list[Request]:
    if step.verb == "create" and not step.part:
        members = {"StackId": ids.stack, "Ec2VolumeId": step.name}
        return [Request("RegisterVolume", members, ("volume", step.name, "VolumeId"))]
    here = {"VolumeId": ids.of("volume", step.name)}
    if step.verb == "delete":
        return [Request("DeregisterVolume", here)]
    if step.part == "instance":
        host = step.changes[0].want
        if host is None:
            return [Request("UnassignVolume", here)]
        return [Request("AssignVolume", here | {"InstanceId": ids.of("instance", host)})]
    return [Request("UpdateVolume", here | _members(step, ids, secrets))]


_MAKERS: Final[Mapping[str, Callable[[Step, Ids, Secrets], list[Request]]]] = {
    "user": _user,
    "stack": _stack,
    "ECS cluster": _cluster,
    "database": _database,
    "layer": _layer,
    "instance": _instance,
    "app": _app,
    "data bag item": _item,
    "load balancer": _balancer,
    "elastic IP": _elastic_ip,
    "volume": _volume,
    "permission": _permission,
}


def _members(step: Step, ids: Ids, secrets: Secrets) -> dict[str, Any]:
    """The step's changes as members of a request."""
    made: dict[str, Any] = {}
    for change in step.changes:
        name, value = _member(step.kind, change, ids, secrets)
        made[name] = value
    return made


def _member(kind: str, change: Change, ids: Ids, secrets: Secrets) -> tuple[str, Any]:
    name, value = wire_name(change.field), filled(change.want, change.was, secrets)
    match kind, change.field:
        case _, field if field in JSON_FIELDS:
            return name, _text(change, secrets)
        case "stack", "attributes":
            return name, dict.fromkeys(set(change.was or {}) - set(value)) | value
        case "layer", "attributes":
            was = change.was or {}
            news = {key for key, each in change.want.items() if not agrees(each, was.get(key), secrets)}
            return name, {key: each for key, each in value.items() if key in news and each is not None}
        case "app", "environment":
            return name, [_variable(change, key, secrets) for key in change.want]
        case "app", "data_sources":
            return name, [_data_source(each, ids) for each in change.want]
        case "instance", "layers":
            return "LayerIds", [ids.of("layer", each) for each in value]
    return name, to_wire(value)


def _text(change: Change, secrets: Secrets) -> str:
    if isinstance(change.want, str):
        return change.want
    return json_text(filled(change.want, as_object(change.was), secrets))


def _variable(change: Change, key: str, secrets: Secrets) -> dict[str, Any]:
    want, was = change.want[key], (change.was or {}).get(key)
    if not isinstance(want, SecretRef):
        return {"Key": key, "Value": want, "Secure": False}
    return {"Key": key, "Value": filled(want, was if isinstance(was, SecretRef) else None, secrets), "Secure": True}


def _data_source(source: Any, ids: Ids) -> dict[str, Any]:
    arn = source.arn if source.instance is None else ids.arn("instance", source.instance)
    found = {"Type": source.type, "Arn": arn, "DatabaseName": source.database_name}
    return {name: value for name, value in found.items() if value is not None}


def _attributes(step: Step, level: str, ids: Ids, secrets: Secrets) -> Request:
    owner = ids.of(level, step.name)
    return Request("SetAttributes", {"Level": level, "OwnerId": owner, "CustomJson": _text(step.changes[0], secrets)})


def _tags(change: Change, arn: str) -> list[Request]:
    was, want = change.was or {}, change.want
    put = {key: value for key, value in want.items() if was.get(key) != value}
    gone = [key for key in was if key not in want]
    made = [Request("UntagResource", {"ResourceArn": arn, "TagKeys": gone})] if gone else []
    return made + ([Request("TagResource", {"ResourceArn": arn, "Tags": put})] if put else [])


def _load_scaling(change: Change) -> dict[str, Any]:
    """Only what differs: thresholds that nobody ever set stay unset."""
    made: dict[str, Any] = {"Enable": change.want.enable}
    for field in ("up_scaling", "down_scaling"):
        want: UpScaling = getattr(change.want, field)
        news = {
            wire_name(each): to_wire(value)
            for each in want.__struct_fields__
            if (value := getattr(want, each)) is not None and value != getattr(getattr(change.was, field), each)
        }
        if news:
            made[wire_name(field)] = news
    return made


def _schedule(change: Change) -> dict[str, dict[str, str]]:
    """The server lays it over what it has, so hours that are to end are sent as off."""
    days: dict[str, dict[str, str]] = {}
    for day in [*change.want, *(each for each in change.was if each not in change.want)]:
        want = change.want.get(day, {})
        ends = switched_on(change.was.get(day, {})) - set(want)
        days[day.capitalize()] = dict.fromkeys(sorted(ends, key=int), "off") | want
    return days
