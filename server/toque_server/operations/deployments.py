"""Deployments: one request on a set of instances (chapter 04 § 6, chapter 05 § 6)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from toque_server.domain import strict_mode
from toque_server.domain.command import Deployment
from toque_server.domain.custom_json import parse
from toque_server.domain.deployment import InvalidDeployment, NotInStack, Targets, checked, targets
from toque_server.domain.deployment_secrets import DeploymentSecrets
from toque_server.domain.layer import check_recipes
from toque_server.domain.stack import Stack
from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.judged_settings import check_saved
from toque_server.operations.ordering import order
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import deployment_secrets, deployments, instances, layers

_RAISES = (ValidationException, ResourceNotFoundException)


class DeploymentCommand(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, frozen=True):
    """What to run. Each argument is a list of strings: `{"recipes": ["web::tune"]}`, `{"migrate": ["true"]}`."""

    name: str
    args: dict[str, list[str]] | None = None


class CreateDeployment(Request, frozen=True, kw_only=True):
    stack_id: str
    app_id: str | None = None
    instance_ids: list[str] | None = None
    layer_ids: list[str] | None = None
    command: DeploymentCommand
    comment: str | None = None
    custom_json: str | None = None


class DeploymentCreated(Result, frozen=True, kw_only=True):
    deployment_id: str


class DescribeDeployments(Request, frozen=True, kw_only=True):
    stack_id: str | None = None
    app_id: str | None = None
    deployment_ids: list[str] | None = None


class DeploymentView(Result, frozen=True, kw_only=True):
    """One deployment as OpsWorks showed it; `duration` is in whole seconds, once it has ended."""

    deployment_id: str
    stack_id: str
    app_id: str | None
    created_at: str
    completed_at: str | None
    duration: int | None
    iam_user_arn: str | None
    comment: str | None
    command: DeploymentCommand
    status: str
    custom_json: str | None
    instance_ids: tuple[str, ...]


class DeploymentsDescribed(Result, frozen=True, kw_only=True):
    deployments: list[DeploymentView]


@operation(permission=Permission.DEPLOY, stack="stack_id", raises=_RAISES)
def create_deployment(ctx: Context, req: CreateDeployment) -> DeploymentCreated:
    """Run a command on instances of a stack: deploy an app, run recipes, or one of the others.

    Without `InstanceIds` and `LayerIds` it goes to every online instance; with both, to their union. A named instance
    that cannot run it gets a command that is `skipped`. Custom JSON counts for this run only. In a stack in strict mode
    custom JSON, and recipes that no layer of the instance has for an event, need the level manage.
    """
    stack = finding.stack(ctx, req.stack_id)
    if req.app_id is not None and finding.app(ctx, req.app_id).stack_id != stack.id:
        raise ResourceNotFoundException(f"Unable to find app with ID {req.app_id} in stack {stack.id}")
    if req.custom_json is not None:
        parse(req.custom_json)
        check_saved(ctx, stack.cookbook_digest, req.custom_json, None)
    args = req.command.args or {}
    try:
        made = checked(req.command.name, args, app_id=req.app_id)
        check_recipes(args.get("recipes", ()), "Command.Args.recipes")
        chosen = targets(
            made.type,
            instances.of_stack(ctx.conn, stack.id),
            instance_ids=req.instance_ids,
            layer_ids=req.layer_ids,
            stack_layer_ids=[each.id for each in layers.of_stack(ctx.conn, stack.id)],
        )
    except InvalidDeployment as error:
        raise ValidationException(str(error)) from error
    except NotInStack as error:
        raise ResourceNotFoundException(str(error)) from error
    _check_strictness(ctx, stack, req, args.get("recipes", ()), chosen)
    deployment = Deployment(
        id=ctx.new_id(),
        stack_id=stack.id,
        app_id=req.app_id,
        command_name=req.command.name,
        command_args=args,
        user_arn=ctx.caller.arn,
        comment=req.comment,
        instance_ids=tuple(each.id for each in chosen.all),
        created_at=ctx.now,
    )
    order(ctx, deployment, made, chosen, DeploymentSecrets(custom_json=req.custom_json))
    return DeploymentCreated(deployment_id=deployment.id)


def _check_strictness(
    ctx: Context, stack: Stack, req: CreateDeployment, recipes: Sequence[str], chosen: Targets
) -> None:
    if not stack.strict:
        return
    known = {each.id: each.custom_recipes for each in layers.of_stack(ctx.conn, stack.id)}
    assigned = [[known[id] for id in each.layer_ids if id in known] for each in chosen.all]
    beyond = strict_mode.of_deployment(custom_json=req.custom_json is not None, recipes=recipes, assigned=assigned)
    if beyond is not None:
        access.beyond_deploy(ctx, stack, "CreateDeployment", beyond)


@operation(
    permission=Permission.SHOW,
    stack=finding.one_of(stack_id="stack", app_id="app, deleted or not,", deployment_ids="deployment"),
    raises=_RAISES,
)
def describe_deployments(ctx: Context, req: DescribeDeployments) -> DeploymentsDescribed:
    """Describe the deployments of a stack, of an app, or the named ones; newest first."""
    if req.stack_id is not None:
        found = deployments.of_stack(ctx.conn, req.stack_id)
    elif req.app_id is not None:
        found = deployments.of_app(ctx.conn, req.app_id)
    else:
        found = deployments.by_ids(ctx.conn, req.deployment_ids or [])
    sealed = deployment_secrets.of(ctx.conn, ctx.vault, [each.id for each in found])
    return DeploymentsDescribed(deployments=[_view(each, sealed.get(each.id, DeploymentSecrets())) for each in found])


def _view(deployment: Deployment, secrets: DeploymentSecrets) -> DeploymentView:
    ended = deployment.completed_at
    return DeploymentView(
        deployment_id=deployment.id,
        stack_id=deployment.stack_id,
        app_id=deployment.app_id,
        created_at=deployment.created_at.isoformat(timespec="seconds"),
        completed_at=None if ended is None else ended.isoformat(timespec="seconds"),
        duration=None if ended is None else int(ended.timestamp()) - int(deployment.created_at.timestamp()),
        iam_user_arn=deployment.user_arn,
        comment=deployment.comment,
        command=DeploymentCommand(deployment.command_name, deployment.command_args),
        status=deployment.status.value,
        custom_json=secrets.custom_json,
        instance_ids=deployment.instance_ids,
    )
