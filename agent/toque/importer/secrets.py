"""What of a document cannot come true without secrets that nobody gave: it is taken out, and told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from toque.importer.notes import Notes
from toque.importer.problems import Remark
from toque.stackfile.model import App, SecretRef, Source, StackFile


def without(document: StackFile, missing: Collection[str]) -> tuple[StackFile, list[Remark]]:
    """The document without the references to these secrets, and without what makes no sense when they are gone.

    A database needs its password, and an app a database that is there; SSL needs its private key.
    """
    notes = Notes(document.stack.name)
    lacks = _Lacks(missing)
    stack = document.stack
    if stack.custom_cookbooks_source is not None:
        source = _source(stack.custom_cookbooks_source, lacks, "CustomCookbooksSource", notes)
        stack = msgspec.structs.replace(stack, custom_cookbooks_source=source)
    databases = document.rds_db_instances
    dropped = [arn for arn, each in (databases or {}).items() if each.db_password in lacks]
    for arn in dropped:
        said = f"it is registered when its password is given: {_named((databases or {})[arn].db_password)}"
        notes.left_out(f"database {arn}", said)
    apps = document.apps
    if apps is not None:
        apps = {name: _app(name, each, lacks, dropped, notes) for name, each in apps.items()}
    if databases is not None:
        databases = {arn: each for arn, each in databases.items() if arn not in dropped}
    return msgspec.structs.replace(document, stack=stack, apps=apps, rds_db_instances=databases), notes.remarks


def of_layers(document: StackFile) -> list[str]:
    """The passwords of built-in layers, by name: where nobody gives one, any new one will do for a new machine."""
    layers = (document.layers or {}).values()
    return [value.name for each in layers for value in each.attributes.values() if isinstance(value, SecretRef)]


class _Lacks:
    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, SecretRef) and value.name in self._names


def _named(value: object) -> str:
    return value.name if isinstance(value, SecretRef) else ""


def _source(source: Source, lacks: _Lacks, thing: str, notes: Notes) -> Source:
    kept: dict[str, Any] = {}
    for field in ("password", "ssh_key"):
        value = getattr(source, field)
        if value in lacks:
            notes.to_do(thing, f"its {field.replace('_', ' ')} was never shown: give {value.name}, or set it by hand")
            kept[field] = None
    return msgspec.structs.replace(source, **kept)


def _app(name: str, app: App, lacks: _Lacks, dropped: Collection[str], notes: Notes) -> App:
    thing = f"app {name}"
    changes: dict[str, Any] = {"environment": _environment(app.environment, lacks, thing, notes)}
    if app.app_source is not None:
        changes["app_source"] = _source(app.app_source, lacks, thing, notes)
    if app.ssl_configuration is not None and app.ssl_configuration.private_key in lacks:
        said = f"SSL is off, since its private key was never shown: give {_named(app.ssl_configuration.private_key)}"
        notes.to_do(thing, said)
        changes["ssl_configuration"] = msgspec.structs.replace(app.ssl_configuration, private_key=None)
        changes["enable_ssl"] = False
    sources = tuple(each for each in app.data_sources if each.arn not in dropped)
    if len(sources) < len(app.data_sources):
        notes.to_do(thing, "it has no database until that is registered")
        changes["data_sources"] = sources
    return msgspec.structs.replace(app, **changes)


def _environment(
    environment: Mapping[str, str | SecretRef], lacks: _Lacks, thing: str, notes: Notes
) -> dict[str, str | SecretRef]:
    for key, value in environment.items():
        if isinstance(value, SecretRef) and value in lacks:
            notes.to_do(thing, f"the secure variable {key} was never shown: give {value.name}, or set it by hand")
    return {key: value for key, value in environment.items() if value not in lacks}
