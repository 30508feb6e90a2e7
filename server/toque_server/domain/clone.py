"""Cloning a stack: what a copy has of its source, and what it has not (chapter 01 § 11, S-23).

The copy is a stack of its own, with ids, a short name and a history of its own. It takes settings over and nothing that
can only be in one place: no instances, and what belongs to them (schedules, addresses, volumes, their attributes); no
registered databases, load balancers and clusters; no deployments, commands, logs and errors.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from toque_server.domain.app import App, DataSource
from toque_server.domain.data_sources import NAMED, REGISTERED
from toque_server.domain.layer import Layer
from toque_server.domain.stack import Stack

_SUFFIX: Final = " copy"
_LONGEST_NAME: Final = 64

# Databases that are one machine of the source's, or registered with it. What is picked among the instances of the MySQL
# layer is picked in the copy too, so that goes on to work.
_ONE_DATABASE: Final = (REGISTERED, NAMED)
_NO_DATABASE: Final = DataSource(type="None")

_CLUSTER: Final = "EcsClusterArn"


def name_of_copy(name: str) -> str:
    """
    >>> name_of_copy("shop")
    'shop copy'
    """
    return name[: _LONGEST_NAME - len(_SUFFIX)] + _SUFFIX


def stack(
    source: Stack,
    *,
    id: str,
    slug: str,
    at: datetime,
    name: str,
    region: str,
    vpc_id: str | None,
    service_role_arn: str,
) -> Stack:
    """The source's settings under a new id; the request's other members come over them.

    A zone is a region's and a subnet is a VPC's. In another region the copy begins with that region's first zone and in
    no VPC, in another VPC without a subnet, unless the request names them. The service role has no default.

    Its cookbooks' bundle is not the source's: see `takes_bundle`.
    """
    moves = region != source.region
    vpc = vpc_id or (None if moves else source.vpc_id)
    return msgspec.structs.replace(
        source,
        id=id,
        slug=slug,
        created_at=at,
        change=0,
        cookbook_digest=None,
        name=name,
        region=region,
        service_role_arn=service_role_arn,
        vpc_id=vpc,
        default_subnet_id=source.default_subnet_id if vpc == source.vpc_id and not moves else None,
        default_availability_zone=f"{region}a" if moves else source.default_availability_zone,
    )


def takes_bundle(copy: Stack) -> bool:
    """Whether the copy begins with the cookbooks that were published to its source.

    One with a repository of its own fetches what stands there now when its first instance starts, as any new stack.
    """
    return not (copy.use_custom_cookbooks and copy.custom_cookbooks_source.url)


def layer(source: Layer, *, id: str, stack_id: str, at: datetime) -> Layer:
    """The layer under a new id: type, names, recipes, packages, volumes, groups, attributes, tags; without its cluster.

    Load-based scaling is taken over, switched off: nothing starts by itself in a stack that nobody has looked at.
    """
    return msgspec.structs.replace(
        source,
        id=id,
        stack_id=stack_id,
        created_at=at,
        attributes={key: value for key, value in source.attributes.items() if key != _CLUSTER},
        load_scaling=msgspec.structs.replace(source.load_scaling, enabled=False),
    )


def app(source: App, *, id: str, stack_id: str, at: datetime) -> App:
    """The app under a new id. A database that only its old stack has becomes the data source `None`."""
    return msgspec.structs.replace(
        source,
        id=id,
        stack_id=stack_id,
        created_at=at,
        data_sources=tuple(_NO_DATABASE if each.type in _ONE_DATABASE else each for each in source.data_sources),
    )
