"""Waiters. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.calling import OPSWORKS, Calls


class WaitersCalls(Calls):
    """They return when it has happened, and raise WaitFailed when it cannot any more, or did not in time."""

    def wait_for_app_exists(
        self,
        *,
        stack_id: str | None = None,
        app_ids: Sequence[str] | None = None,
        delay: float | None = None,
        attempts: int | None = None,
    ) -> None:
        """Return when DescribeApps is answered. Looks every 1 s, 40 times at most; `delay` and `attempts` change
        that.
        """
        self._wait("AppExists", OPSWORKS, {"StackId": stack_id, "AppIds": app_ids}, delay, attempts)

    def wait_for_deployment_successful(
        self,
        *,
        stack_id: str | None = None,
        app_id: str | None = None,
        deployment_ids: Sequence[str] | None = None,
        delay: float | None = None,
        attempts: int | None = None,
    ) -> None:
        """Return when all of them are successful. Looks every 15 s, 40 times at most; `delay` and `attempts`
        change that.
        """
        self._wait("DeploymentSuccessful", OPSWORKS, {"StackId": stack_id, "AppId": app_id, "DeploymentIds": deployment_ids}, delay, attempts)

    def wait_for_instance_online(
        self,
        *,
        stack_id: str | None = None,
        layer_id: str | None = None,
        instance_ids: Sequence[str] | None = None,
        delay: float | None = None,
        attempts: int | None = None,
    ) -> None:
        """Return when all of them are online. Looks every 15 s, 40 times at most; `delay` and `attempts` change
        that.
        """
        self._wait("InstanceOnline", OPSWORKS, {"StackId": stack_id, "LayerId": layer_id, "InstanceIds": instance_ids}, delay, attempts)

    def wait_for_instance_registered(
        self,
        *,
        stack_id: str | None = None,
        layer_id: str | None = None,
        instance_ids: Sequence[str] | None = None,
        delay: float | None = None,
        attempts: int | None = None,
    ) -> None:
        """Return when all of them are registered. Looks every 15 s, 40 times at most; `delay` and `attempts`
        change that.
        """
        self._wait("InstanceRegistered", OPSWORKS, {"StackId": stack_id, "LayerId": layer_id, "InstanceIds": instance_ids}, delay, attempts)

    def wait_for_instance_stopped(
        self,
        *,
        stack_id: str | None = None,
        layer_id: str | None = None,
        instance_ids: Sequence[str] | None = None,
        delay: float | None = None,
        attempts: int | None = None,
    ) -> None:
        """Return when all of them are stopped. Looks every 15 s, 40 times at most; `delay` and `attempts` change
        that.
        """
        self._wait("InstanceStopped", OPSWORKS, {"StackId": stack_id, "LayerId": layer_id, "InstanceIds": instance_ids}, delay, attempts)

    def wait_for_instance_terminated(
        self,
        *,
        stack_id: str | None = None,
        layer_id: str | None = None,
        instance_ids: Sequence[str] | None = None,
        delay: float | None = None,
        attempts: int | None = None,
    ) -> None:
        """Return when all of them are terminated. Looks every 15 s, 40 times at most; `delay` and `attempts`
        change that.
        """
        self._wait("InstanceTerminated", OPSWORKS, {"StackId": stack_id, "LayerId": layer_id, "InstanceIds": instance_ids}, delay, attempts)
