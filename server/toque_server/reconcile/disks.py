"""Records of the volumes that an instance gets from its layers, written before its machine is ordered.

Only where the provider makes volumes: elsewhere there would be none behind the records. Whoever makes one then writes
the provider's id and `in-use` into its record (`volumes.swap`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Connection

from toque_server.domain import layer_volumes
from toque_server.domain.instance import Instance
from toque_server.domain.invalid import Invalid
from toque_server.domain.raid import RaidArray
from toque_server.domain.volume import Volume
from toque_server.providers import ProviderError
from toque_server.store import instances, layers, raid_arrays, volumes


def give(conn: Connection, instance: Instance, *, new_id: Callable[[], str], now: datetime) -> None:
    """Record what the instance is to have and has not; a repeated call finds it there.

    What its layers want is noted at its first start, and later changes of theirs are not for this instance. A volume
    of those that it lost meanwhile is made anew. Raises ProviderError where the instance would have too many.
    """
    held = instances.held(conn, [instance.id])
    if instance.id not in held:
        return
    details = instances.details(conn, [instance.id])[instance.id]
    wanted = details.volume_configurations
    if wanted is None:
        by_id = layers.by_ids(conn, instance.layer_ids)
        wanted = tuple(each for id in instance.layer_ids for each in by_id[id].volume_configurations)
        instances.set_details(conn, instance, replace(details, volume_configurations=wanted))
    attached: list[Volume | RaidArray] = [
        *volumes.of_instance(conn, instance.id),
        *raid_arrays.of_instance(conn, instance.id),
    ]
    lacking = layer_volumes.missing(wanted, attached)
    try:
        made = layer_volumes.made(
            lacking, held[instance.id], attached, zone=details.availability_zone, new_id=new_id, now=now
        )
    except Invalid as error:
        raise ProviderError(str(error), retriable=False) from error
    for each in made:
        if isinstance(each, RaidArray):
            raid_arrays.add(conn, each)
        else:
            volumes.add(conn, each)
