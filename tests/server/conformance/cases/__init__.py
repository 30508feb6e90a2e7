"""One file per subject; importing this package registers every action's case."""

from tests.server.conformance.case import CASES
from tests.server.conformance.cases import (
    addresses,
    apps,
    balancers,
    catalogues,
    clusters,
    databases,
    deployments,
    disks,
    instances,
    layers,
    registered,
    scaling,
    stacks,
    tags,
    users,
)

__all__ = [
    "ACTIONS",
    "addresses",
    "apps",
    "balancers",
    "catalogues",
    "clusters",
    "databases",
    "deployments",
    "disks",
    "instances",
    "layers",
    "registered",
    "scaling",
    "stacks",
    "tags",
    "users",
]

ACTIONS = sorted(CASES)
