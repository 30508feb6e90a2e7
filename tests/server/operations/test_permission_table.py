"""The table of chapter 07 § 3.2, written down, and every action asked by every kind of caller (S18).

The table is the oracle, not our declarations. Requests are decoded as they come over the wire, their stacks are found
as for a real call, and the whole of `access.check` decides, with users, levels and policies that stand in the database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.conftest import services_on
from tests.server.operations.calls import PROFILE, ROLE, Caller
from toque_server.domain.permission import Principal
from toque_server.operations import access, identity, registry, wire
from toque_server.operations.context import Context, Services
from toque_server.operations.errors import AccessDeniedException
from toque_server.security.keys import ServerKeys
from toque_server.settings import for_profile
from toque_server.store import users
from toque_server.store.database import Database

ACCOUNT = "123456789012"
DATABASE = f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:shop"
CLUSTER = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/shop"


class World:
    """One stack with one of everything; what only other actions can make is made when it is first asked for."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.root = Caller(services)
        self.stack, self.other = self.root.stack(), self.root.stack(Name="other")
        self.layer = self.root.layer(self.stack)
        self.instance = self.root.instance(self.stack, self.layer)
        self.root.bring_online(self.instance)
        self.app = self.root.app(self.stack)
        recipes = {"Name": "execute_recipes", "Args": {"recipes": ["a::b"]}}
        self.deployment = self.root("CreateDeployment", StackId=self.stack, Command=recipes)["DeploymentId"]
        self._made: dict[str, str] = {}

    def arn(self, stack_id: str) -> str:
        return f"arn:aws:opsworks:*:*:stack/{stack_id}/"

    def tagged(self) -> str:
        return f"arn:aws:opsworks:local:{ACCOUNT}:stack/{self.stack}/"

    def volume(self) -> str:
        return self._once("VolumeId", "RegisterVolume", StackId=self.stack, Ec2VolumeId="vol-0123456789abcdef0")

    def address(self) -> str:
        return self._once("ElasticIp", "RegisterElasticIp", StackId=self.stack, ElasticIp="203.0.113.7")

    def database(self) -> str:
        members = {"RdsDbInstanceArn": DATABASE, "DbUser": "shop", "DbPassword": "secret"}
        self._once("", "RegisterRdsDbInstance", StackId=self.stack, **members)
        return DATABASE

    def cluster(self) -> str:
        return self._once("EcsClusterArn", "RegisterEcsCluster", StackId=self.stack, EcsClusterArn=CLUSTER)

    def user(self, name: str, *, level: str | None = None, **members: Any) -> str:
        arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
        self.root("CreateUser", UserName=name, **members)
        if level is not None:
            self.root("SetPermission", StackId=self.stack, IamUserArn=arn, Level=level)
        return arn

    def policy(self, arn: str, effect: str, action: str, resource: str = "*") -> None:
        document = {"Statement": [{"Effect": effect, "Action": f"opsworks:{action}", "Resource": resource}]}
        self.root("PutUserPolicy", UserArn=arn, PolicyName="mine", PolicyDocument=json.dumps(document))

    def may(self, arn: str, action: str, members: dict[str, Any]) -> bool:
        """Whether this user's request passes the check that comes before every operation."""
        op = registry.OPERATIONS[action]
        request = wire.decode(op.request, members)
        with self.services.database.read() as conn:
            user = users.get(conn, arn)
            caller = Principal(arn=arn, name="root") if user is None else identity.principal_of(user)
            ctx = Context(caller=caller, services=self.services).within(conn)
            try:
                access.check(ctx, op.action, op.permission, op.stack and op.stack(ctx, request), request)
            except AccessDeniedException:
                return False
        return True

    def _once(self, member: str, operation: str, **members: Any) -> str:
        if operation not in self._made:
            self._made[operation] = self.root(operation, **members).get(member, "")
        return self._made[operation]


@dataclass(frozen=True)
class Row:
    """What the table asks, and the least that one sends. `on_stack`: the request concerns a stack."""

    needs: str
    members: Callable[[World], dict[str, Any]]
    on_stack: bool = True
    reads: bool = True
    """Not so where the level show is enough for more than looking."""


def row(needs: str, **members: str | Callable[[World], Any]) -> Row:
    """Members are texts, or made of the world."""
    return Row(needs, lambda world: {k: v(world) if callable(v) else v for k, v in members.items()})


def without_stack(needs: str, **members: Any) -> Row:
    return Row(needs, lambda world: members, on_stack=False)


def _stack(world: World) -> str:
    return world.stack


def _layer(world: World) -> str:
    return world.layer


def _instance(world: World) -> str:
    return world.instance


def _app(world: World) -> str:
    return world.app


def _ann(world: World) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/may-iam_only"


def _several(one: Callable[[World], str]) -> Callable[[World], list[str]]:
    return lambda world: [one(world)]


NOBODY = f"arn:aws:iam::{ACCOUNT}:user/nobody"
ROLES = {"ServiceRoleArn": ROLE, "DefaultInstanceProfileArn": PROFILE}

TABLE = {
    "AssignInstance": row("manage", InstanceId=_instance, LayerIds=_several(_layer)),
    "AssignVolume": row("manage", VolumeId=World.volume, InstanceId=_instance),
    "AssociateElasticIp": row("manage", ElasticIp=World.address, InstanceId=_instance),
    "AttachElasticLoadBalancer": row("manage", ElasticLoadBalancerName="front", LayerId=_layer),
    "CloneStack": row("policy", SourceStackId=_stack, ServiceRoleArn=ROLE),
    "CreateApp": row("manage", StackId=_stack, Name="Shop", Type="other"),
    "CreateDeployment": row("deploy", StackId=_stack, Command=lambda world: {"Name": "configure"}),
    "CreateInstance": row("manage", StackId=_stack, LayerIds=_several(_layer), InstanceType="small"),
    "CreateLayer": row("manage", StackId=_stack, Type="custom", Name="web", Shortname="web"),
    "CreateStack": without_stack("policy", Name="new", Region="local", **ROLES),
    "CreateUserProfile": without_stack("policy", IamUserArn=NOBODY),
    "DeleteApp": row("manage", AppId=_app),
    "DeleteInstance": row("manage", InstanceId=_instance),
    "DeleteLayer": row("manage", LayerId=_layer),
    "DeleteStack": row("manage", StackId=_stack),
    "DeleteUserProfile": without_stack("policy", IamUserArn=NOBODY),
    "DeregisterEcsCluster": row("manage", EcsClusterArn=World.cluster),
    "DeregisterElasticIp": row("manage", ElasticIp=World.address),
    "DeregisterInstance": row("manage", InstanceId=_instance),
    "DeregisterRdsDbInstance": row("manage", RdsDbInstanceArn=World.database),
    "DeregisterVolume": row("manage", VolumeId=World.volume),
    "DescribeAgentVersions": row("show", StackId=_stack),
    "DescribeApps": row("show", AppIds=_several(_app)),
    "DescribeCommands": row("show", DeploymentId=lambda world: world.deployment),
    "DescribeDeployments": row("show", DeploymentIds=lambda world: [world.deployment]),
    "DescribeEcsClusters": row("show", StackId=_stack),
    "DescribeElasticIps": row("show", StackId=_stack),
    "DescribeElasticLoadBalancers": row("show", StackId=_stack),
    "DescribeInstances": row("show", LayerId=_layer),
    "DescribeLayers": row("show", LayerIds=_several(_layer)),
    "DescribeLoadBasedAutoScaling": row("show", LayerIds=_several(_layer)),
    "DescribeMyUserProfile": without_stack("self"),
    "DescribeOperatingSystems": without_stack("any"),
    "DescribePermissions": row("manage", StackId=_stack, IamUserArn=_ann),
    "DescribeRaidArrays": row("show", StackId=_stack),
    "DescribeRdsDbInstances": row("show", StackId=_stack),
    "DescribeServiceErrors": row("show", InstanceId=_instance),
    "DescribeStackProvisioningParameters": row("manage", StackId=_stack),
    "DescribeStackSummary": row("show", StackId=_stack),
    "DescribeStacks": row("show", StackIds=_several(_stack)),
    "DescribeTimeBasedAutoScaling": row("show", InstanceIds=_several(_instance)),
    "DescribeUserProfiles": without_stack("policy"),
    "DescribeVolumes": row("show", StackId=_stack),
    "DetachElasticLoadBalancer": row("manage", ElasticLoadBalancerName="front", LayerId=_layer),
    "DisassociateElasticIp": row("manage", ElasticIp=World.address),
    "GetHostnameSuggestion": row("manage", LayerId=_layer),
    "GrantAccess": replace(row("show", InstanceId=_instance), reads=False),
    "ListTags": row("show", ResourceArn=World.tagged),
    "RebootInstance": row("manage", InstanceId=_instance),
    "RegisterEcsCluster": row("manage", StackId=_stack, EcsClusterArn=f"{CLUSTER}-2"),
    "RegisterElasticIp": row("manage", StackId=_stack, ElasticIp="203.0.113.8"),
    "RegisterInstance": row("manage", StackId=_stack),
    "RegisterRdsDbInstance": row(
        "manage", StackId=_stack, RdsDbInstanceArn=f"{DATABASE}-2", DbUser="shop", DbPassword="secret"
    ),
    "RegisterVolume": row("manage", StackId=_stack, Ec2VolumeId="vol-0123456789abcdef1"),
    "SetLoadBasedAutoScaling": row("manage", LayerId=_layer),
    "SetPermission": row("manage", StackId=_stack, IamUserArn=_ann),
    "SetTimeBasedAutoScaling": row("manage", InstanceId=_instance),
    "StartInstance": row("manage", InstanceId=_instance),
    "StartStack": row("manage", StackId=_stack),
    "StopInstance": row("manage", InstanceId=_instance),
    "StopStack": row("manage", StackId=_stack),
    "TagResource": row("manage", ResourceArn=World.tagged, Tags=lambda world: {"team": "shop"}),
    "UnassignInstance": row("manage", InstanceId=_instance),
    "UnassignVolume": row("manage", VolumeId=World.volume),
    "UntagResource": row("manage", ResourceArn=World.tagged, TagKeys=lambda world: ["team"]),
    "UpdateApp": row("deploy", AppId=_app),
    "UpdateElasticIp": row("manage", ElasticIp=World.address),
    "UpdateInstance": row("manage", InstanceId=_instance),
    "UpdateLayer": row("manage", LayerId=_layer),
    "UpdateMyUserProfile": without_stack("self"),
    "UpdateRdsDbInstance": row("manage", RdsDbInstanceArn=World.database),
    "UpdateStack": row("manage", StackId=_stack),
    "UpdateUserProfile": without_stack("policy", IamUserArn=NOBODY),
    "UpdateVolume": row("manage", VolumeId=World.volume),
}

LEVELS = {"deny": 0, "iam_only": 0, "show": 1, "deploy": 2, "manage": 3}
NEEDED = {"show": 1, "deploy": 2, "manage": 3}


def by_table(asked: Row, who: str) -> bool:
    """What the chapter says: section 3.1 with the row of section 3.2."""
    match who:
        case "owner":
            return True
        case "policy denies, manages" | "policy denies, administers":
            return False
        case "denied, administers":
            return not asked.on_stack
        case "policy allows" | "administrator":
            return True
        case "policy allows on this stack":
            return asked.on_stack or asked.needs == "any"
        case "read only":
            return asked.needs in ("show", "any") and asked.reads
        case "manages himself":
            return asked.needs in ("self", "any")
        case "policy allows on another stack":
            return asked.needs == "any"
    if asked.needs == "any":
        return not (asked.on_stack and who == "deny")
    return asked.needs in NEEDED and LEVELS[who] >= NEEDED[asked.needs]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, server_keys: ServerKeys) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("table")
    url = f"sqlite:///{folder}/toque.db"
    database = Database(url)
    database.migrate()
    world = World(services_on(database, for_profile("demo", database=url, data_dir=folder), server_keys))
    for level in LEVELS:
        world.user(f"may-{level}", level=level)
    world.user("administrator", Administrator=True)
    world.user("denied-administrator", Administrator=True, level="deny")
    world.user("self", AllowSelfManagement=True)
    for name, rights in (
        ("allowed", {}),
        ("allowed-here", {}),
        ("allowed-elsewhere", {}),
        ("manager", {"level": "manage"}),
        ("restrained", {"Administrator": True}),
    ):
        world.user(name, **rights)
    reader = world.user("reader")
    world.root("AttachUserPolicy", UserArn=reader, Policy="OpsWorksReadOnly")
    yield world
    database.close()


CALLERS = {
    **{level: f"may-{level}" for level in LEVELS},
    "administrator": "administrator",
    "denied, administers": "denied-administrator",
    "manages himself": "self",
    "policy allows": "allowed",
    "policy allows on this stack": "allowed-here",
    "policy allows on another stack": "allowed-elsewhere",
    "policy denies, manages": "manager",
    "policy denies, administers": "restrained",
    "read only": "reader",
}


def test_the_table_has_the_74_actions() -> None:
    assert len(TABLE) == 74


def test_no_other_action_bears_the_target_of_opsworks() -> None:
    ours = {name for name, op in registry.load().items() if op.target == registry.OPSWORKS}

    assert ours <= set(TABLE)


@pytest.mark.parametrize("action", sorted(TABLE))
def test_S18_everybody_may_what_the_table_says(world: World, action: str) -> None:
    if action not in registry.load():
        pytest.fail(f"there is no operation {action}, and it is one of the 74 of chapter 07 § 3.2", pytrace=False)
    asked = TABLE[action]
    members = asked.members(world)
    here = {who: f"arn:aws:iam::{ACCOUNT}:user/{name}" for who, name in CALLERS.items()}
    here["owner"] = f"arn:aws:iam::{ACCOUNT}:root"
    name = registry.OPERATIONS[action].action
    world.policy(here["policy allows"], "Allow", name)
    world.policy(here["policy allows on this stack"], "Allow", name, world.arn(world.stack))
    world.policy(here["policy allows on another stack"], "Allow", name, world.arn(world.other))
    for who in ("policy denies, manages", "policy denies, administers"):
        world.policy(here[who], "Deny", name)

    answered = {who: world.may(arn, action, members) for who, arn in here.items()}

    assert answered == {who: by_table(asked, who) for who in here}


def test_whoever_is_known_may_ask_for_agent_versions_of_no_stack(world: World) -> None:
    for who in ("deny", "iam_only", "show"):
        manager = {"ConfigurationManager": {"Name": "Chef", "Version": "12"}}
        for members in (manager, {}):
            assert world.may(f"arn:aws:iam::{ACCOUNT}:user/may-{who}", "DescribeAgentVersions", members)
