"""Plans on a node: what recipes would do there, told by its agent, which does not do it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from toque_server.domain import strict_mode
from toque_server.domain.command import Deployment
from toque_server.domain.custom_json import parse
from toque_server.domain.deployment import InvalidDeployment, checked, targets
from toque_server.domain.deployment_secrets import DeploymentSecrets
from toque_server.domain.layer import check_recipes
from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.judged_settings import check_saved
from toque_server.operations.ordering import order
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import commands, layers


class PlanRecipes(Request, frozen=True, kw_only=True):
    """`clone`: the recipes run for real in a copy of the node, which is thrown away. `custom_json` is the plan's."""

    instance_id: str
    recipes: list[str]
    clone: bool = False
    custom_json: str | None = None


class RecipesPlanned(Result, frozen=True, kw_only=True):
    """The command whose log is the plan: `GetCommandLog` reads it."""

    command_id: str
    deployment_id: str


@operation(
    permission=Permission.DEPLOY,
    target=TOQUE,
    stack=finding.stack_of("instance", "instance_id"),
    raises=(ValidationException, ResourceNotFoundException),
)
def plan_recipes(ctx: Context, req: PlanRecipes) -> RecipesPlanned:
    """Plan recipes on an instance: its agent says what they would do, in the log of a command, and changes nothing.

    The command is of type `execute_recipes`, with `plan` among its arguments, and runs the named recipes alone. When it
    succeeds and there is something to do, its reason is `something_to_do`. With `Clone` it lists what really differs
    after the recipes ran in a copy-on-write clone of the node; where none can be made the command fails and says why.
    A stack in strict mode asks what it asks of CreateDeployment.
    """
    instance = finding.instance(ctx, req.instance_id)
    stack = finding.stack(ctx, instance.stack_id)
    args = {"recipes": req.recipes}
    if req.custom_json is not None:
        parse(req.custom_json)
        check_saved(ctx, stack.cookbook_digest, req.custom_json, None)
    try:
        made = checked("execute_recipes", args, app_id=None)
        check_recipes(req.recipes, "Recipes")
        chosen = targets(made.type, [instance], instance_ids=[instance.id])
    except InvalidDeployment as error:
        raise ValidationException(str(error)) from error
    if not chosen.able:
        raise ValidationException(
            f"The instance {instance.hostname} is {instance.status.value}: nobody there could plan"
        )
    if stack.strict:
        known = {each.id: each.custom_recipes for each in layers.of_stack(ctx.conn, stack.id)}
        assigned = [[known[id] for id in instance.layer_ids if id in known]]
        beyond = strict_mode.of_deployment(
            custom_json=req.custom_json is not None, recipes=req.recipes, assigned=assigned
        )
        if beyond is not None:
            access.beyond_deploy(ctx, stack, "PlanRecipes", beyond)
    kind = "clone" if req.clone else "dry_run"
    planned: dict[str, Any] = {**made.args, "plan": kind}
    deployment = Deployment(
        id=ctx.new_id(),
        stack_id=stack.id,
        command_name="execute_recipes",
        command_args={**args, "plan": [kind]},
        user_arn=ctx.caller.arn,
        instance_ids=(instance.id,),
        created_at=ctx.now,
    )
    secrets = DeploymentSecrets(custom_json=req.custom_json)
    order(ctx, deployment, replace(made, args=planned), chosen, secrets)
    [command] = commands.of_deployment(ctx.conn, deployment.id)
    return RecipesPlanned(command_id=command.id, deployment_id=deployment.id)
