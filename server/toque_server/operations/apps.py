"""Apps: what is deployed, and from where (chapter 05 §§ 1 to 5)."""

from __future__ import annotations

from typing import Any

import msgspec

from toque_server.domain import strict_mode
from toque_server.domain.app import (
    App,
    AppSecrets,
    DataSource,
    EnvironmentVariable,
    check,
    shown_environment,
    split_environment,
)
from toque_server.domain.command import Deployment
from toque_server.domain.deployment import InvalidDeployment, checked, targets
from toque_server.domain.deployment_secrets import DeploymentSecrets
from toque_server.domain.shortname import app_shortname, check_app_shortname
from toque_server.domain.source import FILTERED, Source, join, merge, shown, split
from toque_server.operations import access, data_sources, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.ordering import order
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.operations.room import check_room
from toque_server.operations.wire import Clearable
from toque_server.store import apps, events, instances

_RAISES = (ValidationException, ResourceNotFoundException)


class SentSslConfiguration(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, frozen=True):
    """Certificate, private key and chain in PEM. A filtered private key keeps the stored one."""

    certificate: str | None = None
    private_key: str | None = None
    chain: str | None = None


class AppMembers(Request, frozen=True, kw_only=True):
    """What both CreateApp and UpdateApp may say of an app."""

    description: Clearable = None
    data_sources: list[DataSource] | None = None
    app_source: Source | None = None
    domains: list[str] | None = None
    enable_ssl: bool | None = None
    ssl_configuration: SentSslConfiguration | None = None
    attributes: dict[str, str | None] | None = None
    environment: list[SentVariable] | None = None


class SentVariable(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, frozen=True):
    """One environment variable; "" is a value. `secure` hides the value in answers."""

    key: str
    value: Clearable = None
    secure: bool | None = None


class CreateApp(AppMembers, frozen=True, kw_only=True):
    stack_id: str
    name: str
    type: str
    shortname: str | None = None


class AppCreated(Result, frozen=True, kw_only=True):
    app_id: str


class UpdateApp(AppMembers, frozen=True, kw_only=True):
    app_id: str
    name: str | None = None
    type: str | None = None


class DeleteApp(Request, frozen=True, kw_only=True):
    app_id: str


class DescribeApps(Request, frozen=True, kw_only=True):
    stack_id: str | None = None
    app_ids: list[str] | None = None


class AppView(Result, frozen=True, kw_only=True):
    """One app as OpsWorks showed it: secrets filtered."""

    app_id: str
    stack_id: str
    shortname: str
    name: str
    description: str | None
    data_sources: tuple[DataSource, ...]
    type: str
    app_source: Source
    domains: tuple[str, ...]
    enable_ssl: bool
    ssl_configuration: SentSslConfiguration
    attributes: dict[str, str | None]
    created_at: str
    environment: list[EnvironmentVariable]


class AppsDescribed(Result, frozen=True, kw_only=True):
    apps: list[AppView]


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def create_app(ctx: Context, req: CreateApp) -> AppCreated:
    """Add an app to a stack; nothing runs until it is deployed, or an instance starts.

    A data source must be there: a database registered with the stack, or an instance of its MySQL layer.
    `Shortname` names its directory on the nodes and never changes; without one it is made from `Name`.
    """
    stack = finding.stack(ctx, req.stack_id)
    check_room(ctx, "apps", stack.id)
    taken = apps.shortnames(ctx.conn, stack.id)
    if req.shortname is not None:
        check_app_shortname(req.shortname)
        if req.shortname in taken:
            raise ValidationException(f"Shortname {req.shortname} is taken in this stack", field="Shortname")
    empty = App(
        id=ctx.new_id(),
        stack_id=stack.id,
        shortname=req.shortname or app_shortname(req.name, taken),
        name=req.name,
        type=req.type,
        created_at=ctx.now,
    )
    app, secrets = _changed(empty, AppSecrets(), req)
    check(app, secrets, allow_insecure=ctx.settings.allow_insecure_sources)
    app = msgspec.structs.replace(app, data_sources=data_sources.checked(ctx, stack.id, app.data_sources))
    apps.add(ctx.conn, ctx.vault, app, secrets)
    events.add(ctx.conn, "app.created", f"app {app.name} was created", at=ctx.now, stack_id=stack.id)
    return AppCreated(app_id=app.id)


@operation(permission=Permission.DEPLOY, stack=finding.stack_of("app", "app_id"), raises=_RAISES)
def update_app(ctx: Context, req: UpdateApp) -> None:
    """Change an app; nodes get the change with the next deploy. Members that are not sent stay.

    `AppSource` and `SslConfiguration` merge member by member, so that a filtered secret need not be sent again; lists
    and `Attributes` are replaced whole. The short name never changes. In a stack in strict mode what an app runs and
    the secrets it gets are changed with the level manage only.
    """
    old = finding.app(ctx, req.app_id)
    sent = {name for name in req.__struct_fields__ if getattr(req, name) is not None}
    if (beyond := strict_mode.of_app(sent)) is not None:
        access.beyond_deploy(ctx, finding.stack(ctx, old.stack_id), "UpdateApp", beyond)
    new, secrets = _changed(old, apps.secrets(ctx.conn, ctx.vault, [old.id])[old.id], req)
    new = msgspec.structs.replace(new, name=req.name or old.name, type=req.type or old.type)
    check(new, secrets, allow_insecure=ctx.settings.allow_insecure_sources)
    if new.data_sources != old.data_sources:
        new = msgspec.structs.replace(new, data_sources=data_sources.checked(ctx, old.stack_id, new.data_sources))
    apps.update(ctx.conn, ctx.vault, new, secrets)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("app", "app_id"), raises=_RAISES)
def delete_app(ctx: Context, req: DeleteApp) -> None:
    """Delete an app, and undeploy it from the stack's online instances (E-11).

    The undeploy is a deployment that nobody asked for: it has no user. Instances that are not online keep the files.
    """
    app = finding.app(ctx, req.app_id)
    made = checked("undeploy", {}, app_id=app.id)
    secrets = apps.secrets(ctx.conn, ctx.vault, [app.id])[app.id]
    try:
        chosen = targets(made.type, instances.of_stack(ctx.conn, app.stack_id))
    except InvalidDeployment:
        # Nobody is online, so there is nothing to undeploy from.
        chosen = None
    if chosen is not None:
        deployment = Deployment(
            id=ctx.new_id(),
            stack_id=app.stack_id,
            app_id=app.id,
            command_name="undeploy",
            instance_ids=tuple(each.id for each in chosen.all),
            created_at=ctx.now,
        )
        order(ctx, deployment, made, chosen, DeploymentSecrets(app=app, app_secrets=secrets))
    apps.remove(ctx.conn, app)
    events.add(ctx.conn, "app.deleted", f"app {app.name} was deleted", at=ctx.now, stack_id=app.stack_id)


@operation(permission=Permission.SHOW, stack=finding.one_of(stack_id="stack", app_ids="app"), raises=_RAISES)
def describe_apps(ctx: Context, req: DescribeApps) -> AppsDescribed:
    """Describe the apps of a stack, or the named ones. Secrets come back as `*****FILTERED*****`."""
    if req.stack_id is not None:
        found = apps.of_stacks(ctx.conn, [req.stack_id])
    else:
        found = list(apps.by_ids(ctx.conn, req.app_ids or []).values())
    secrets = apps.secrets(ctx.conn, ctx.vault, [each.id for each in found])
    return AppsDescribed(apps=[_view(each, secrets[each.id]) for each in found])


def _changed(old: App, secrets: AppSecrets, req: AppMembers) -> tuple[App, AppSecrets]:
    changes: dict[str, Any] = {}
    if req.description is not None:
        changes["description"] = req.description or None
    if req.enable_ssl is not None:
        changes["enable_ssl"] = req.enable_ssl
    if req.attributes is not None:
        changes["attributes"] = req.attributes
    for name in ("data_sources", "domains"):
        if (value := getattr(req, name)) is not None:
            changes[name] = tuple(value)
    source = join(old.app_source, secrets.source)
    if req.app_source is not None:
        source = merge(source, req.app_source)
    changes["app_source"], source_secrets = split(source)
    private_key = secrets.private_key
    if (ssl := req.ssl_configuration) is not None:
        changes["certificate"] = ssl.certificate or old.certificate
        changes["chain"] = ssl.chain or old.chain
        private_key = private_key if ssl.private_key in (None, FILTERED) else ssl.private_key
    protected = secrets.environment
    if req.environment is not None:
        sent = [EnvironmentVariable(each.key, each.value or "", bool(each.secure)) for each in req.environment]
        changes["environment"], protected = split_environment(sent, secrets)
    new = msgspec.structs.replace(old, **changes)
    return new, AppSecrets(source=source_secrets, private_key=private_key, environment=protected)


def _view(app: App, secrets: AppSecrets) -> AppView:
    same = {name: getattr(app, name) for name in AppView.__struct_fields__ if name in App.__struct_fields__}
    return AppView(
        **same
        | {
            "app_id": app.id,
            "app_source": shown(app.app_source, secrets.source),
            "ssl_configuration": SentSslConfiguration(
                app.certificate, FILTERED if secrets.private_key else None, app.chain
            ),
            "attributes": dict.fromkeys(_SHOWN_ATTRIBUTES) | app.attributes,
            "environment": shown_environment(app),
            "created_at": app.created_at.isoformat(timespec="seconds"),
        }
    )


_SHOWN_ATTRIBUTES = ("DocumentRoot", "RailsEnv", "AutoBundleOnDeploy")
