"""The sealed part of a deployment, closed and opened."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.deployment_secrets import DeploymentSecrets
from toque_server.security.envelope import Vault
from toque_server.store import documents
from toque_server.store.tables import deployments

_AT_ONCE = 500


def seal(vault: Vault, id: str, stack_id: str, secrets: DeploymentSecrets) -> bytes | None:
    """What `deployments.add(sealed=…)` takes."""
    return documents.seal(secrets, vault, deployments, row=id, scope=stack_id)


def of(conn: Connection, vault: Vault, ids: Sequence[str]) -> dict[str, DeploymentSecrets]:
    """By deployment id; a deployment that has nothing sealed is not in it."""
    found: dict[str, DeploymentSecrets] = {}
    for start in range(0, len(ids), _AT_ONCE):
        query = sa.select(deployments.c.id, deployments.c.stack_id, deployments.c.sealed).where(
            deployments.c.id.in_(ids[start : start + _AT_ONCE]), deployments.c.sealed.is_not(None)
        )
        for row in conn.execute(query):
            found[row.id] = documents.unseal(
                DeploymentSecrets, row.sealed, vault, deployments, row=row.id, scope=row.stack_id
            )
    return found
