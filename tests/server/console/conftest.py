"""A stack with an app and two instances, seen through the console."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest

from tests.server.console.browser import PASSWORD, Browser
from tests.server.operations.calls import Caller
from toque_server.operations.context import Services
from toque_server.security.passwords import hash_password
from toque_server.security.tokens import digest_of, new_session_id
from toque_server.store import commands, logs, sessions, users
from toque_server.wsgi import App, create_app


@dataclass
class House:
    """`up` is online, `down` is stopped; `browser` is signed in as an administrator."""

    root: Caller
    app: App
    browser: Browser
    stack: str
    layer: str
    app_id: str
    up: str
    down: str

    def another(self, name: str = "", *, level: str = "") -> Browser:
        """Another browser; with a name, of a new user who is signed in, and has this level on the stack."""
        browser = Browser(self.app.flask.test_client())
        if name:
            arn = self.root("CreateUser", UserName=name)["UserArn"]
            if level:
                self.root("SetPermission", StackId=self.stack, IamUserArn=arn, Level=level)
            _enter(browser, self.root.services, arn)
        return browser

    def order(self, recipe: str = "web::tune") -> tuple[str, str]:
        """Run a recipe on `up`: ids of the deployment and of its command."""
        made = self.root(
            "CreateDeployment",
            StackId=self.stack,
            InstanceIds=[self.up],
            Command={"Name": "execute_recipes", "Args": {"recipes": [recipe]}},
        )["DeploymentId"]
        [command] = self.root("DescribeCommands", DeploymentId=made)["Commands"]
        return made, command["CommandId"]

    def log(self, command_id: str, text: str, offset: int = 0) -> None:
        with self.root.services.database.write() as conn:
            logs.append(conn, command_id, offset, text.encode())

    def end(self, command_id: str, status: str, exit_code: int, reason: str = "") -> None:
        database = self.root.services.database
        with database.write() as conn:
            [seen] = commands.by_ids(conn, [command_id])
            commands.acknowledge(conn, seen, database.now(conn))
            [seen] = commands.by_ids(conn, [command_id])
            commands.finish(conn, seen, commands.CommandStatus(status), exit_code, database.now(conn), reason)


@pytest.fixture
def house(services: Services) -> House:
    root = Caller(services)
    app = create_app(services)
    stack = root.stack()
    layer = root.layer(stack)
    up, down = root.instance(stack, layer), root.instance(stack, layer)
    root.bring_online(up)
    arn = root("CreateUser", UserName="olga", Administrator=True)["UserArn"]
    with services.database.write() as conn:
        users.set_password(conn, arn, _hashed(PASSWORD))
    browser = Browser(app.flask.test_client())
    _enter(browser, services, arn)
    return House(root, app, browser, stack, layer, root.app(stack), up, down)


def _enter(browser: Browser, services: Services, arn: str) -> None:
    """Sign a user in as a right password would, without the tenth of a second that it costs on purpose."""
    id = new_session_id()
    with services.database.write() as conn:
        sessions.add(conn, digest=digest_of(id), user_arn=arn, csrf=f"token of {arn}", at=services.database.now(conn))
    browser.client.set_cookie("toque_session", id)


_hashed = cache(hash_password)
