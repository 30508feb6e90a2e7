"""The client that Python programs use: every operation of the server as a typed method."""

from __future__ import annotations

from toque.client.api import Api
from toque.client.connection import Connection
from toque.client.environment import from_environment
from toque.client.retries import DEFAULT, Retries


class Client(Api):
    """A server, and who we are there. Safe to use from several threads.

    `server_url` is where it is; identity is an `api_token`, or an `access_key_id` with its `secret_access_key`.
    `ca_file` is a PEM file with the authority that signed the server's certificate. `timeout` is how many seconds an
    answer may take; `retries` says how often a call is made again (`toque.client.Retries`): one that only reads after
    a broken connection or a failure of the server, one that changes something only when it surely did nothing.

    Each operation is a method whose arguments are its members; its answer is a structure with the members as
    attributes. A call raises `CallFailed`, most often one of its kinds `ValidationException`,
    `ResourceNotFoundException`, `AccessDeniedException`, `Unreachable`. Waiters are methods `wait_for_…`; they raise
    `WaitFailed`.

        client = Client.from_environment()
        stack = next(each for each in client.describe_stacks().stacks if each.name == "shop")
        deployment = client.create_deployment(
            stack_id=stack.stack_id, command=DeploymentCommand(name="update_custom_cookbooks")
        )
        client.wait_for_deployment_successful(deployment_ids=[deployment.deployment_id])
    """

    def __init__(
        self,
        server_url: str,
        *,
        api_token: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        ca_file: str | None = None,
        timeout: float | None = 300,
        retries: Retries = DEFAULT,
    ) -> None:
        super().__init__(
            Connection(
                server_url,
                api_token=api_token,
                access_key_id=access_key_id,
                secret_access_key=secret_access_key,
                ca_file=ca_file,
                read_timeout=timeout,
                retries=retries,
            )
        )

    @classmethod
    def over(cls, connection: Connection) -> Client:
        """A client on a connection that is there already."""
        made = cls.__new__(cls)
        Api.__init__(made, connection)
        return made

    @classmethod
    def from_environment(cls, *, profile: str | None = None) -> Client:
        """As the command line finds it: `toque.client.environment` says in which order. Raises BadProfile."""
        return cls.over(from_environment(profile=profile))
