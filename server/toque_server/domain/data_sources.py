"""Which database an app's data source means (chapter 05 § 5): a registered one, or an instance of the MySQL layer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from toque_server.domain.world import AppOf, DatabaseOf, DataSource, InstanceOf

REGISTERED: Final = "RdsDbInstance"
NAMED: Final = "OpsworksMysqlInstance"
PICKED: Final = "AutoSelectOpsworksMysqlInstance"

MYSQL_LAYER: Final = "db-master"
MYSQL_USER: Final = "root"
MYSQL_PORT: Final = 3306

_DOWN: Final = frozenset(
    {"stopped", "start_failed", "stop_failed", "shutting_down", "stopping", "terminating", "terminated"}
    | {"registered", "unassigning", "deregistering"}
)


def mysql_databases(
    instances: Iterable[InstanceOf], passwords: Mapping[str, str | None], arns: Mapping[str, str], region: str
) -> tuple[DatabaseOf, ...]:
    """The instances of the stack's MySQL layers as databases, the one that the server picks first.

    `passwords` are those of root, by the id of each MySQL layer; `arns` by instance id. Each instance is a server of
    its own, with its own data: so the oldest that is not down is picked, and stays it while it is lost or healed.
    """
    found = [(each, layer_id) for each in instances for layer_id in each.layer_ids if layer_id in passwords]
    found.sort(key=lambda one: (one[0].status in _DOWN, one[0].created_at, one[0].id))
    return tuple(
        DatabaseOf(
            arn=arns[each.id],
            identifier=each.hostname,
            address=each.private_ip,
            port=MYSQL_PORT,
            engine="mysql",
            user=MYSQL_USER,
            password=passwords[layer_id],
            region=region,
            provider="mysql",
            registered=False,
        )
        for each, layer_id in found
    )


def database_of(source: DataSource, databases: Iterable[DatabaseOf]) -> DatabaseOf | None:
    """The database that a data source means; None for no database, and for one that is not there any more."""
    for each in databases:
        if source.type == PICKED and not each.registered:
            return each
        if source.type == REGISTERED and each.registered and each.arn == source.arn:
            return each
        if source.type == NAMED and not each.registered and each.arn == source.arn:
            return each
    return None


def passwords_seen(
    apps: Iterable[AppOf], visible: Collection[AppOf], databases: Iterable[DatabaseOf]
) -> list[DatabaseOf]:
    """The registered databases whose passwords a node may see that may see the secrets of the apps `visible`.

    They are those of its apps, and those that no app uses: these are for the users' own recipes.
    """
    own = {source.arn for app in visible for source in app.data_sources if source.type == REGISTERED}
    used = {source.arn for app in apps for source in app.data_sources if source.type == REGISTERED}
    return [each for each in databases if each.registered and (each.arn in own or each.arn not in used)]
