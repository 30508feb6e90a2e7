"""A stack with an app and two instances, seen through the console."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.server.console.browser import PASSWORD, Browser
from tests.server.operations.calls import Caller
from toque_server.operations.context import Services
from toque_server.store import commands, logs
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
            arn = self.root("CreateUser", UserName=name, Password=PASSWORD)["UserArn"]
            if level:
                self.root("SetPermission", StackId=self.stack, IamUserArn=arn, Level=level)
            browser.sign_in(name)
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
    root("CreateUser", UserName="olga", Password=PASSWORD, Administrator=True)
    browser = Browser(app.flask.test_client())
    browser.sign_in("olga")
    return House(root, app, browser, stack, layer, root.app(stack), up, down)
