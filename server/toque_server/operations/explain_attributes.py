"""Where each setting of an instance comes from: what every level says, which wins, who set it and when (D14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from toque.cookbook.explain import Chain, Explained, Unmergeable
from toque.cookbook.settings_schema import Schema
from toque_server.cookbooks import schemas
from toque_server.cookbooks.bundles import Bundles
from toque_server.domain.command import Command
from toque_server.domain.deployment_secrets import DeploymentSecrets
from toque_server.domain.source import FILTERED
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Result, operation
from toque_server.store import apps, attributes, audit, commands, cookbooks, deployment_secrets, instances, levels
from toque_server.store import world as stored_world
from toque_server.store.levels import Level

_LAST_COMMANDS = 200
_OF_THE_AUDIT = 500


class ExplainAttributes(Paged, frozen=True, kw_only=True):
    """`key` is a path such as `nginx.port`, or `nginx` for all below it; None: every key. At most 500 on a page."""

    largest: ClassVar[int] = 500

    instance_id: str
    key: str | None = None


class LevelSaid(Result, frozen=True, kw_only=True):
    """What one level says of a key. `value` is JSON as text, or absent where the level takes the key away.

    `level`: `default`, `stack`, `layer/NAME`, `app/NAME`, `apps`, `instance` or `deployment`. `origin`: `settings.py`,
    `custom_json` or `attributes`. `effect`: `wins`, `overridden`, `begins` and `appends` (the list is of several
    levels), `deletes`, or `replaces_map`. `set_by` and `set_at` are absent where nobody wrote them down.
    """

    level: str
    origin: str
    value: str | None
    effect: str
    set_by: str | None
    set_at: datetime | None


class AttributeExplained(Result, frozen=True, kw_only=True):
    """One key; `value` is JSON as text, absent where nothing holds in the end. `level` is the one that wins."""

    key: str
    value: str | None
    level: str | None
    set_by: str | None
    set_at: datetime | None
    levels: list[LevelSaid]


class AttributesExplained(Result, frozen=True, kw_only=True):
    """`deployment_id`: the last deployment of the instance, whose custom JSON and apps are in the chain."""

    attributes: list[AttributeExplained]
    deployment_id: str | None
    next_token: str | None


@dataclass(frozen=True)
class _Setter:
    by: str | None = None
    at: datetime | None = None


@operation(
    permission=Permission.SHOW,
    target=TOQUE,
    stack=finding.stack_of("instance", "instance_id"),
    raises=(ValidationException, ResourceNotFoundException),
)
def explain_attributes(ctx: Context, req: ExplainAttributes) -> AttributesExplained:
    """Explain where settings of an instance come from: the value, and what each level of the chain says of it.

    The levels are the defaults of the stack's cookbooks, stack, layers in their order, apps, instance, and the custom
    JSON of the instance's last deployment, which counted for that run alone. Secret settings read as filtered. Who set
    a level is known for attributes always, for custom JSON as far back as the audit tells.
    """
    instance = finding.instance(ctx, req.instance_id)
    last = _last_deployment(ctx, instance.id)
    chain_levels = _levels(ctx, instance.stack_id, instance.id, last)
    known, bundle = _schemas(ctx, instance.stack_id, instance.id, req.key, chain_levels)
    try:
        chain = Chain([each.value for each in chain_levels], known)
    except Unmergeable as error:
        raise ValidationException(f"no run can merge the attributes of this instance: {error}") from None
    shown, token = page(ctx, req, chain.paths(req.key), key=".".join)
    if req.key is not None and not shown and req.next_token is None:
        raise ResourceNotFoundException(
            f"Unable to find attribute {req.key}: no level of this instance sets it, and no cookbook of its stack has "
            "a setting of this name"
        )
    setters = _Setters(ctx, instance.stack_id, last, bundle)
    return AttributesExplained(
        attributes=[_view(chain.explain(each), chain_levels, setters) for each in shown],
        deployment_id=None if last is None else last.deployment_id,
        next_token=token,
    )


def _last_deployment(ctx: Context, instance_id: str) -> Command | None:
    found = commands.of_instance(ctx.conn, instance_id, limit=_LAST_COMMANDS)
    return next((each for each in found if each.deployment_id is not None), None)


def _levels(ctx: Context, stack_id: str, instance_id: str, last: Command | None) -> Sequence[Level]:
    world = stored_world.load(ctx.conn, ctx.vault, stack_id, account_id=ctx.account_id)
    of = None if world is None else next((each for each in world.instances if each.id == instance_id), None)
    if world is None or of is None:
        return ()
    said, app_ids = DeploymentSecrets(), []
    if last is not None and last.deployment_id is not None:
        said = deployment_secrets.of(ctx.conn, ctx.vault, [last.deployment_id]).get(last.deployment_id, said)
        app_ids = [str(each) for each in last.args.get("app_ids", ())]
    private = levels.read_private(ctx.conn, ctx.vault, world)
    return levels.chain(private, world, of, app_ids, said.custom_json)


def _schemas(
    ctx: Context, stack_id: str, instance_id: str, key: str | None, chain: Sequence[Level]
) -> tuple[dict[str, Schema], cookbooks.Published | None]:
    """Of the bundle that the instance runs, else of the stack's; of shipped cookbooks those that are spoken of."""
    digest = instances.cookbook_digest(ctx.conn, instance_id) or finding.stack(ctx, stack_id).cookbook_digest
    bundle = next((each for each in cookbooks.of_stack(ctx.conn, stack_id) if each.bundle.digest == digest), None)
    own = schemas.of_bundle(bundle.bundle.contents) if bundle is not None else {}
    spoken_of = {name for level in chain for name in level.value} | ({key.partition(".")[0]} if key else set())
    taken = set() if bundle is None else set(bundle.bundle.contents)
    shipped = schemas.of_shipped(Bundles(ctx.settings.data_dir).shipped, spoken_of - taken)
    return shipped | own, bundle


class _Setters:
    """Who set a level, looked up when it is first asked for."""

    def __init__(self, ctx: Context, stack_id: str, last: Command | None, bundle: cookbooks.Published | None) -> None:
        self._ctx, self._stack_id, self._last, self._bundle = ctx, stack_id, last, bundle
        self._known: dict[tuple[str, str], _Setter] = {}
        self._attributes = attributes.of(ctx.conn, ctx.vault, stack_id)

    def of_default(self, cookbook: str) -> _Setter:
        if self._bundle is None or cookbook not in self._bundle.bundle.contents:
            return _Setter("Toque")
        return _Setter(self._bundle.source, self._bundle.added_at)

    def of(self, level: Level, path: Sequence[str]) -> _Setter:
        if level.name == "deployment":
            return _Setter() if self._last is None else _Setter(self._last.user_arn, self._last.created_at)
        if level.origin == "attributes":
            # Apps stand side by side in one level, by short name.
            said = self._attributes.get(level.owner_id) or self._app(path)
            return _Setter() if said is None else _Setter(said.updated_by, said.updated_at)
        key = (level.name, level.owner_id)
        if key not in self._known:
            self._known[key] = self._from_audit(level)
        return self._known[key]

    def _app(self, path: Sequence[str]) -> attributes.Attributes | None:
        named = {app.shortname: app.id for app in apps.of_stacks(self._ctx.conn, [self._stack_id])}
        return self._attributes.get(named.get(path[1], "")) if len(path) > 1 else None

    def _from_audit(self, level: Level) -> _Setter:
        """The newest call that sent this custom JSON and succeeded."""
        of_stack = level.name == "stack"
        found: list[audit.Entry] = []
        for action in ("UpdateStack", "CreateStack", "CloneStack") if of_stack else ("UpdateLayer", "CreateLayer"):
            wanted = audit.Wanted(stack_id=self._stack_id, action=action)
            for row in audit.listed(self._ctx.conn, wanted, limit=_OF_THE_AUDIT):
                if row.entry.allowed and "error" not in row.entry.detail and self._sent(row.entry, level):
                    found.append(row.entry)
                    break
        newest = max(found, key=lambda each: each.at, default=None)
        return _Setter() if newest is None else _Setter(newest.user_arn, newest.at)

    def _sent(self, entry: audit.Entry, level: Level) -> bool:
        sent: Mapping[str, Any] = entry.detail.get("parameters", {})
        if entry.action == "UpdateLayer" and sent.get("LayerId") != level.owner_id:
            return False
        if entry.action == "CreateLayer" and sent.get("Shortname") != level.name.removeprefix("layer/"):
            return False
        return "CustomJson" in sent or entry.action == "CloneStack"


def _view(found: Explained, chain: Sequence[Level], setters: _Setters) -> AttributeExplained:
    said: dict[int, LevelSaid] = {}
    for each in found.said:
        level = chain[each.level] if each.level >= 0 else None
        setter = setters.of_default(found.path[0]) if level is None else setters.of(level, found.path)
        said[each.level] = LevelSaid(
            level="default" if level is None else level.name,
            origin="settings.py" if level is None else level.origin,
            value=None if each.effect == "deletes" else _text(each.value, found.secret),
            effect=each.effect,
            set_by=setter.by,
            set_at=setter.at,
        )
    winner = None if found.winner is None else said[found.winner]
    return AttributeExplained(
        key=found.key,
        value=_text(found.value, found.secret) if found.is_set else None,
        level=None if winner is None else winner.level,
        set_by=None if winner is None else winner.set_by,
        set_at=None if winner is None else winner.set_at,
        levels=list(said.values()),
    )


def _text(value: Any, secret: bool) -> str:
    if secret and value not in (None, ""):
        value = FILTERED
    return msgspec.json.encode(value).decode()
