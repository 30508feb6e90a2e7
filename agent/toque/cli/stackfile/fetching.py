"""A server's stack as a document: asks what there is to know, and leaves the making to `toque.stackfile.records`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from toque.client.errors import AccessDeniedException, CallFailed
from toque.stackfile import records
from toque.stackfile.ids import Ids
from toque.stackfile.model import DataBags, Layer, StackFile
from toque.stackfile.records import Record, SecretNames

Answer = dict[str, Any]


class Call(Protocol):
    """Carries out an operation by its name: `call("DescribeApps", StackId=…)` answers as the wire does."""

    def __call__(self, operation: str, /, **members: Any) -> Answer: ...


@dataclass(frozen=True)
class Found:
    """A stack as the server has it. `notes` say what cannot stand in a document, or could not be read."""

    document: StackFile
    ids: Ids
    notes: tuple[str, ...] = ()


class NotOneStack(CallFailed):
    """No stack has this name or id, or several have the name."""

    def __init__(self, message: str) -> None:
        super().__init__("NotFound", message)


def fetched(call: Call, which: str) -> Found | None:
    """The stack with this id or name; None where there is none. Raises NotOneStack where several have the name."""
    every = call("DescribeStacks")["Stacks"]
    found = [each for each in every if which in (each["StackId"], each["Name"])]
    if len(found) > 1:
        ids = ", ".join(str(each["StackId"]) for each in found)
        raise NotOneStack(f"{len(found)} stacks are called {which}: {ids}; please give all but one another name")
    return _Fetch(call, found[0]).whole() if found else None


def ids_before(call: Call) -> Ids:
    """What is known of a stack that is yet to be made: the account, which user names belong to."""
    return Ids(account=_account(call("DescribeMyUserProfile")["UserProfile"]["IamUserArn"]))


def user_labels(call: Call, ids: Ids) -> dict[str, Any]:
    """The profiles that the server has, as the document calls them. Raises AccessDeniedException."""
    found = call("DescribeUserProfiles")["UserProfiles"]
    return {records.user_label(each["IamUserArn"], ids.account): records.user_of(each) for each in found}


class _Fetch:
    def __init__(self, call: Call, stack: Record) -> None:
        self._call, self._stack, self._id = call, stack, stack["StackId"]
        self._names = SecretNames()
        self._notes: list[str] = []
        self._ids = Ids(stack=self._id, stack_arn=stack["Arn"], account=_account(stack["Arn"]))

    def whole(self) -> Found:
        layers = {each["LayerId"]: each for each in self._ask("DescribeLayers")["Layers"]}
        every = self._ask("DescribeInstances")["Instances"]
        self._keep_ids(layers, every)
        hosts = {each["InstanceId"]: each["Hostname"] for each in every}
        attributes = {each["OwnerId"]: each["CustomJson"] for each in self._ask("DescribeAttributes")["Attributes"]}
        bags = self._bags()
        tags = self._tags(self._stack["Arn"])
        stack = records.stack_of(
            self._stack, self._names, tags=tags, strict=self._is_strict(), data_bags=bags.get(self._id)
        )
        databases = self._ask("DescribeRdsDbInstances")["RdsDbInstances"]
        document = StackFile(
            stack=stack,
            ecs_clusters=tuple(each["EcsClusterArn"] for each in self._ask("DescribeEcsClusters")["EcsClusters"]),
            rds_db_instances=dict(records.database_of(each, self._names) for each in databases),
            layers=self._layers(layers, tags, attributes, bags),
            instances=self._instances(every, layers, attributes, bags),
            apps=self._apps(hosts, attributes, bags),
            elastic_ips=self._addresses(hosts, _given_by(layers, every)),
            volumes=self._volumes(hosts, _given_by(layers, every)),
        )
        return Found(self._with_people(document), self._ids, tuple(self._notes))

    def _ask(self, operation: str, **members: Any) -> Answer:
        return self._call(operation, StackId=self._id, **members)

    def _keep_ids(self, layers: Mapping[str, Record], instances: list[Record]) -> None:
        for each in layers.values():
            self._ids.layers[each["Shortname"]] = each["LayerId"]
        for each in instances:
            self._ids.instances[each["Hostname"]] = each["InstanceId"]

    def _layers(
        self,
        found: Mapping[str, Record],
        inherited: Mapping[str, str],
        attributes: Mapping[str, str],
        bags: Mapping[str, DataBags],
    ) -> dict[str, Layer]:
        balancers = {
            each["LayerId"]: each["ElasticLoadBalancerName"]
            for each in self._ask("DescribeElasticLoadBalancers")["ElasticLoadBalancers"]
        }
        scaling: dict[str, Record] = {}
        if found:
            answer = self._call("DescribeLoadBasedAutoScaling", LayerIds=list(found))
            scaling = {each["LayerId"]: each for each in answer["LoadBasedAutoScalingConfigurations"]}
        return {
            each["Shortname"]: records.layer_of(
                each,
                self._names,
                tags=self._tags(each["Arn"]),
                inherited_tags=inherited,
                load_scaling=scaling.get(id),
                load_balancer=balancers.get(id),
                node_attributes=attributes.get(id),
                data_bags=bags.get(id),
            )
            for id, each in found.items()
        }

    def _instances(
        self,
        every: list[Record],
        layers: Mapping[str, Record],
        attributes: Mapping[str, str],
        bags: Mapping[str, DataBags],
    ) -> dict[str, Any]:
        ordered = [each for each in every if records.is_ordered(each)]
        for each in every:
            if each not in ordered:
                self._notes.append(
                    f"instance {each['Hostname']} is a machine that registered itself: no file can make it"
                )
        timers = [each["InstanceId"] for each in ordered if each.get("AutoScalingType") == "timer"]
        schedules: dict[str, Record] = {}
        if timers:
            answer = self._call("DescribeTimeBasedAutoScaling", InstanceIds=timers)
            for one in answer["TimeBasedAutoScalingConfigurations"]:
                schedules[one["InstanceId"]] = one["AutoScalingSchedule"]
        return {
            each["Hostname"]: records.instance_of(
                each,
                self._stack,
                layers,
                schedule=schedules.get(each["InstanceId"]),
                node_attributes=attributes.get(each["InstanceId"]),
                data_bags=bags.get(each["InstanceId"]),
            )
            for each in ordered
        }

    def _apps(
        self, hosts: Mapping[str, str], attributes: Mapping[str, str], bags: Mapping[str, DataBags]
    ) -> dict[str, Any]:
        found = self._ask("DescribeApps")["Apps"]
        self._ids.apps.update({each["Shortname"]: each["AppId"] for each in found})
        return {
            each["Shortname"]: records.app_of(
                each,
                self._names,
                hosts,
                node_attributes=attributes.get(each["AppId"]),
                data_bags=bags.get(each["AppId"]),
            )
            for each in found
        }

    def _addresses(self, hosts: Mapping[str, str], given: Mapping[str, frozenset[str]]) -> dict[str, Any]:
        """An address that an instance has since its layer gives it one comes and goes with the instance."""
        return {
            each["Ip"]: records.elastic_ip_of(each, hosts)
            for each in self._ask("DescribeElasticIps")["ElasticIps"]
            if _ADDRESS not in given.get(each.get("InstanceId") or "", ())
        }

    def _volumes(self, hosts: Mapping[str, str], given: Mapping[str, frozenset[str]]) -> dict[str, Any]:
        """Those that were registered: volumes and arrays that a layer gives its instances come with the layer."""
        found = [
            each
            for each in self._ask("DescribeVolumes")["Volumes"]
            if each.get("Ec2VolumeId")
            and not each.get("RaidArrayId")
            and each.get("MountPoint") not in given.get(each.get("InstanceId") or "", ())
        ]
        self._ids.volumes.update({each["Ec2VolumeId"]: each["VolumeId"] for each in found})
        return {each["Ec2VolumeId"]: records.volume_of(each, hosts) for each in found}

    def _tags(self, arn: str) -> dict[str, str]:
        tags: dict[str, str] = self._call("ListTags", ResourceArn=arn)["Tags"]
        return tags

    def _is_strict(self) -> bool:
        known = {each["StackId"]: each for each in self._call("DescribeStackOverviews")["Stacks"]}
        return bool(known.get(self._id, {}).get("Strict"))

    def _bags(self) -> dict[str, DataBags]:
        """By the ids of their owners."""
        items: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
        for each in self._ask("DescribeDataBags")["Items"]:
            place = {"Bag": each["Bag"], "Item": each["Item"], "Level": each["Level"]}
            owner = {} if each["Level"] == "stack" else {"OwnerId": each["OwnerId"]}
            value = self._ask("GetDataBagItem", **place, **owner)["Value"]
            items.setdefault(each["OwnerId"], []).append((each["Bag"], each["Item"], value))
        return {owner: records.bags_of(found) for owner, found in items.items()}

    def _with_people(self, document: StackFile) -> StackFile:
        """Permissions are for managers to see, profiles for administrators: the rest does not wait for them."""
        try:
            found = self._ask("DescribePermissions")["Permissions"]
        except AccessDeniedException:
            self._notes.append("permissions are left out: reading them needs the level manage")
            return document
        permissions = {
            records.user_label(each["IamUserArn"], self._ids.account): said
            for each in found
            if (said := records.permission_of(each)) is not None
        }
        document = msgspec.structs.replace(document, permissions=permissions)
        try:
            users = user_labels(self._call, self._ids)
        except AccessDeniedException:
            self._notes.append("profiles of users are left out: reading them needs an administrator")
            return document
        return msgspec.structs.replace(
            document, users={label: user for label, user in users.items() if label in permissions}
        )


_ADDRESS = "an address"


def _given_by(layers: Mapping[str, Record], instances: list[Record]) -> dict[str, frozenset[str]]:
    """What each instance has from its layers: the mount points of its volumes, and `_ADDRESS`."""
    of_layer = {
        id: {each["MountPoint"] for each in layer.get("VolumeConfigurations") or ()}
        | ({_ADDRESS} if layer.get("AutoAssignElasticIps") else set())
        for id, layer in layers.items()
    }
    return {
        each["InstanceId"]: frozenset(what for id in each["LayerIds"] for what in of_layer[id]) for each in instances
    }


def _account(arn: str) -> str:
    return arn.split(":")[4]
