"""Operations on provisioning. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    CreateRegistrationResult,
    DescribeStackProvisioningParametersResult,
)
from toque.client.calling import OPSWORKS, TOQUE, Calls


class ProvisioningCalls(Calls):
    """Operations on provisioning."""

    def create_registration(
        self,
        *,
        stack_id: str,
        machine: str,
    ) -> CreateRegistrationResult:
        """Make an access key with which one machine may register itself with a stack, within a quarter of an hour.

        It may call RegisterInstance on this stack and nothing else. `toque opsworks register` uses it; `aws opsworks
        register` makes the same through IAM.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("CreateRegistration", TOQUE, {"StackId": stack_id, "Machine": machine}, CreateRegistrationResult, reads=False)

    def describe_stack_provisioning_parameters(
        self,
        *,
        stack_id: str,
    ) -> DescribeStackProvisioningParametersResult:
        """Describe what the agent's installer needs to know, and where it is: for `register`, which gives it to a machine.

        `server_url` is this server, `ca_pem` the authority of its certificate where the world does not know it, and
        `root_fingerprint` the one key whose word the new agent believes.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeStackProvisioningParameters", OPSWORKS, {"StackId": stack_id}, DescribeStackProvisioningParametersResult, reads=True)
