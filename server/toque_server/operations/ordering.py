"""Writing a deployment and its commands in one piece."""

from __future__ import annotations

import msgspec

from toque_server.domain.command import Deployment
from toque_server.domain.deployment import CommandArgs, Targets, commands_for, settle
from toque_server.domain.deployment_secrets import DeploymentSecrets
from toque_server.operations.context import Context
from toque_server.store import commands, deployment_secrets, deployments, events


def order(ctx: Context, deployment: Deployment, made: CommandArgs, chosen: Targets, secrets: DeploymentSecrets) -> None:
    """Store the deployment with one command per target; one whose targets all cannot act has ended at once."""
    secrets = msgspec.structs.replace(secrets, elected=chosen.elected)
    sealed = deployment_secrets.seal(ctx.vault, deployment.id, deployment.stack_id, secrets)
    deployments.add(ctx.conn, deployment, sealed=sealed)
    ordered = commands_for(
        deployment,
        made,
        chosen,
        [ctx.new_id() for _ in chosen.all],
        expires_at=ctx.now + ctx.settings.command.expire_after,
        deadline=ctx.settings.command.deadline,
    )
    commands.add(ctx.conn, *ordered)
    if (ended := settle(deployment, [each.status for each in ordered], ctx.now)) is not None:
        deployments.finish(ctx.conn, deployment, ended)
    events.add(
        ctx.conn,
        "deployment.created",
        f"{deployment.command_name} on {len(chosen.able)} instances",
        at=ctx.now,
        stack_id=deployment.stack_id,
        data={"deployment_id": deployment.id},
    )
