"""Apps as our server takes them: sources that a node could fetch, and databases that are there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from toque.importer.dump import Record
from toque.importer.notes import Notes
from toque.importer.stacks import without_secrets
from toque.stackfile.model import FILTERED

_INSECURE: Final = ("http://", "git://", "svn://")
_REGISTERED: Final = "RdsDbInstance"
_NAMED: Final = "OpsworksMysqlInstance"
_PICKED: Final = "AutoSelectOpsworksMysqlInstance"


def adapted(record: Record, databases: Collection[str], hosts: Mapping[str, str], notes: Notes) -> dict[str, Any]:
    """The record of an app, changed where it must be.

    `databases` are the ARNs of those that the stack has in the dump, `hosts` the host names of its instances by id.
    """
    app = dict(record)
    thing = f"app {app['Shortname']}"
    url = (app.get("AppSource") or {}).get("Url") or ""
    if url.startswith(_INSECURE):
        said = f"{url} is not protected: the server refuses it, unless it was made with --allow-insecure-sources"
        notes.to_do(thing, said)
    app["AppSource"] = without_secrets(app.get("AppSource"))
    certificate = app.get("SslConfiguration") or {}
    app["SslConfiguration"] = {
        name: FILTERED if name == "PrivateKey" and value else value for name, value in certificate.items()
    }
    app["DataSources"] = [
        each
        for source in app.get("DataSources") or ()
        if (each := _data_source(source, databases, hosts, notes, thing)) is not None
    ]
    # A value that is not told is a secret, whatever is said beside it.
    app["Environment"] = [
        {**each, "Secure": True} if each.get("Value") == FILTERED else each for each in app.get("Environment") or ()
    ]
    return app


def _data_source(
    source: Record, databases: Collection[str], hosts: Mapping[str, str], notes: Notes, thing: str
) -> Record | None:
    type, arn = source.get("Type"), source.get("Arn")
    if type == _REGISTERED and arn not in databases:
        notes.left_out(thing, f"its database {arn} is not among the RDS instances of the dump")
        return None
    if type in (_NAMED, _PICKED) and arn and arn.rstrip("/").rpartition("/")[2] not in hosts:
        notes.changed(thing, f"its database instance {arn} is not here: the server picks one of the MySQL layer")
        return {**source, "Type": _PICKED, "Arn": None}
    return source
