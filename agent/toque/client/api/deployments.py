"""Operations on deployments. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    CreateDeploymentResult,
    DeploymentCommand,
    DescribeDeploymentsResult,
)
from toque.client.calling import OPSWORKS, Calls


class DeploymentsCalls(Calls):
    """Operations on deployments."""

    def create_deployment(
        self,
        *,
        stack_id: str,
        command: DeploymentCommand,
        app_id: str | None = None,
        instance_ids: Sequence[str] | None = None,
        layer_ids: Sequence[str] | None = None,
        comment: str | None = None,
        custom_json: str | None = None,
    ) -> CreateDeploymentResult:
        """Run a command on instances of a stack: deploy an app, run recipes, or one of the others.

        Without `InstanceIds` and `LayerIds` it goes to every online instance; with both, to their union. A named instance
        that cannot run it gets a command that is `skipped`. Custom JSON counts for this run only. In a stack in strict mode
        custom JSON, and recipes that no layer of the instance has for an event, need the level manage.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("CreateDeployment", OPSWORKS, {"StackId": stack_id, "AppId": app_id, "InstanceIds": instance_ids, "LayerIds": layer_ids, "Command": command, "Comment": comment, "CustomJson": custom_json}, CreateDeploymentResult, reads=False)

    def describe_deployments(
        self,
        *,
        stack_id: str | None = None,
        app_id: str | None = None,
        deployment_ids: Sequence[str] | None = None,
    ) -> DescribeDeploymentsResult:
        """Describe the deployments of a stack, of an app, or the named ones; newest first.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeDeployments", OPSWORKS, {"StackId": stack_id, "AppId": app_id, "DeploymentIds": deployment_ids}, DescribeDeploymentsResult, reads=True)
