"""The process of an app: how it is started, and what its environment says."""

import json
import shlex
from typing import Any

from cookbooks.python_app.settings import Settings

from toque import execute, file, node, search, service


class NoCommand(Exception):
    def __init__(self, shortname: str) -> None:
        super().__init__(
            f"nothing says how to start the app {shortname!r}: give its repository a Procfile with a line "
            f"'web: COMMAND', or set python-app.command"
        )


def served_apps() -> list[Any]:
    """The apps that this layer runs, in the order that gives them their ports."""
    return sorted((app for app in node.apps if app.type == "other"), key=lambda app: str(app.shortname))


def port_of(shortname: str, settings: Settings) -> int:
    return settings.port + [app.shortname for app in served_apps()].index(shortname)


def build(release: Any, settings: Settings) -> None:
    """Give the release a virtual environment of its own where it names requirements."""
    if not release.has("requirements.txt"):
        return
    environment = f"{release.path}/.venv"
    execute([settings.python, "-m", "venv", environment], creates=f"{environment}/bin/python")
    # A release is built once, and stays as it was built: what pip finds later is for the next one.
    install = [f"{environment}/bin/python", "-m", "pip", "install", "--quiet", "-r", f"{release.path}/requirements.txt"]
    execute(install, timeout=900)  # toque: ignore[TQ101]


def start(release: Any, settings: Settings) -> None:
    """Keep the app's process running from `current`, restarted for this release."""
    command = command_of(release, settings)
    definition = file(
        f"{release.shared_path}/config/service.json",
        content=json.dumps({"service": service_name(release.shortname)}) + "\n",
        mode="0644",
        why="rollback, start, stop and restart find the process by it",
    )
    running = service(
        service_name(release.shortname),
        command=command,
        cwd=release.current_path,
        user=settings.user,
        environment=environment_of(release, settings),
        running=True,
        enabled=True,
        why=f"runs {definition.path}",
    )
    if not running.changed:
        running.restart()


def command_of(release: Any, settings: Settings) -> list[str]:
    """What starts the app, as a list of arguments; `python3` is the release's own where it has one."""
    line = settings.command
    if not line:
        kinds = dict(entry.split(":", 1) for entry in release.read("Procfile").splitlines() if ":" in entry)
        line = kinds.get("web", "").strip()
    if not line:
        raise NoCommand(release.shortname)
    words = shlex.split(line)
    if words[0] in ("python", "python3"):
        own = release.has(".venv/bin/python")
        words[0] = f"{release.current_path}/.venv/bin/python" if own else settings.python
    return words


def environment_of(release: Any, settings: Settings) -> dict[str, Any]:
    return {
        "HOST": node.ip,
        "PORT": str(port_of(release.shortname, settings)),
        "SHARED_PATH": release.shared_path,
        "STACK_FILE": stack_file(release.shortname),
        "PYTHONUNBUFFERED": "1",
        **release.environment,
    }


def service_name(shortname: str) -> str:
    return f"app-{shortname}"


def stack_file(shortname: str) -> str:
    return f"/srv/www/{shortname}/shared/config/stack.json"


def write_stack_file(shortname: str, **options: Any) -> None:
    """The stack as an app may read it: layers with their instances, and the online peers of this node."""
    online = search("aws_opsworks_instance", "status:online")
    layers = {
        layer["shortname"]: {
            each["hostname"]: each["private_ip"] for each in online if layer["layer_id"] in each["layer_ids"]
        }
        for layer in search("aws_opsworks_layer")
    }
    mine = [short for short in layers if short in node.layers]
    peers = sorted({ip for short in mine for ip in layers[short].values() if ip and ip != node.ip})
    [stack] = search("aws_opsworks_stack")
    content = json.dumps({"stack": stack["name"], "layers": layers, "peers": peers}, indent=2, sort_keys=True)
    file(stack_file(shortname), content=f"{content}\n", mode="0644", **options)
