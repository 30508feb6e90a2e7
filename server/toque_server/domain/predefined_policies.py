"""The policies that every installation has, to be attached to users by their name or ARN (chapter 07 § 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from toque_server.domain.invalid import Invalid

_EVERYTHING_SHOWN = (
    "DescribeAgentVersions",
    "DescribeApps",
    "DescribeCommands",
    "DescribeDeployments",
    "DescribeEcsClusters",
    "DescribeElasticIps",
    "DescribeElasticLoadBalancers",
    "DescribeInstances",
    "DescribeLayers",
    "DescribeLoadBasedAutoScaling",
    "DescribeOperatingSystems",
    "DescribeRaidArrays",
    "DescribeRdsDbInstances",
    "DescribeServiceErrors",
    "DescribeStackSummary",
    "DescribeStacks",
    "DescribeTimeBasedAutoScaling",
    "DescribeVolumes",
    "ListTags",
    # Our own reads at level Show.
    "DescribeAttributes",
    "DescribeCommandDetails",
    "DescribeConditions",
    "DescribeCookbooks",
    "DescribeDataBags",
    "DescribeEvents",
    "DescribeMetrics",
    "DescribeNodeKeys",
    "DescribePolicy",
    "DescribePolicyDifferences",
    "DescribePolicyRevisions",
    "DescribeProgress",
    "DescribeStackOverviews",
    "GetCommandLog",
)
_REGISTERS = (
    "AssignInstance",
    "CreateLayer",
    "DeregisterInstance",
    "DescribeInstances",
    "DescribeStackProvisioningParameters",
    "DescribeStacks",
    "UnassignInstance",
)
_GROUPS = "arn:aws:iam::*:group/AWS/OpsWorks/OpsWorks-*"
_USERS = "arn:aws:iam::*:user/AWS/OpsWorks/OpsWorks-*"


class PredefinedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy of the installation's own; nobody can change it."""

    name: str
    arn: str
    description: str
    document: str


def _policy(name: str, description: str, *statements: Mapping[str, Any]) -> PredefinedPolicy:
    return PredefinedPolicy(
        name=name,
        arn=f"arn:aws:iam::aws:policy/{name}",
        description=description,
        document=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=1),
    )


def _allow(*actions: str, resource: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def _opsworks(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"opsworks:{name}" for name in names)


FULL_ACCESS: Final = _policy(
    "AWSOpsWorks_FullAccess",
    "Everything; who has it is an administrator.",
    _allow("opsworks:*", "iam:ListUsers", "iam:ListRoles", "iam:ListInstanceProfiles", "iam:GetRolePolicy"),
)

PREDEFINED: Final[Mapping[str, PredefinedPolicy]] = {
    each.name: each
    for each in (
        FULL_ACCESS,
        _policy("OpsWorksReadOnly", "What level show may, on every stack.", _allow(*_opsworks(_EVERYTHING_SHOWN))),
        _policy(
            "AWSOpsWorksRegisterCLI_EC2",
            "What `register` needs for machines that have an identity of their own.",
            _allow(*_opsworks(_REGISTERS)),
            _allow("ec2:DescribeInstances"),
        ),
        _policy(
            "AWSOpsWorksRegisterCLI_OnPremises",
            "What `register` needs for other machines: it makes an identity for each.",
            # The last is what our own client calls instead of the actions of IAM.
            _allow(*_opsworks((*_REGISTERS, "CreateRegistration"))),
            _allow("ec2:DescribeInstances"),
            _allow("iam:CreateGroup", "iam:AddUserToGroup", resource=[_GROUPS, _USERS]),
            _allow("iam:CreateUser", "iam:CreateAccessKey", resource=_USERS),
            {
                **_allow("iam:AttachUserPolicy", resource=_USERS),
                "Sid": "OnlyTheRegistration",
            },
        ),
        _policy(
            "AWSOpsWorksInstanceRegistration",
            "What a machine needs to register itself.",
            _allow("opsworks:RegisterInstance"),
        ),
    )
}

_ALIASES: Final = {"OpsWorksFullAccess": FULL_ACCESS.name, "AWSOpsWorksFullAccess": FULL_ACCESS.name}


def find(name_or_arn: str) -> PredefinedPolicy:
    """The policy of this name or ARN. Raises Invalid, with the names there are.

    >>> find("OpsWorksFullAccess").name
    'AWSOpsWorks_FullAccess'
    """
    name = name_or_arn.rpartition("/")[2] if name_or_arn.startswith("arn:") else name_or_arn
    found = PREDEFINED.get(_ALIASES.get(name, name))
    if found is None or (name_or_arn.startswith("arn:") and not name_or_arn.startswith("arn:aws:iam::aws:policy/")):
        raise Invalid(f"there is no predefined policy {name_or_arn!r}: please use one of {', '.join(PREDEFINED)}")
    return found
