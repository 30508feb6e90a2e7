"""What a node remembers of its runs: chosen by activity and date as the agent's command line names them (08 § 9)."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from toque.daemon.journal import Record, remembered
from toque.daemon.snapshot import TAGS, merged
from toque.daemon.state import State

DATE: Final = "%Y-%m-%dT%H:%M:%S"
HIDDEN: Final = "*****FILTERED*****"

ACTIVITIES: Final = (
    "reboot",
    "stop",
    "deploy",
    "grant_remote_access",
    "revoke_remote_access",
    "update_agent",
    "setup",
    "configure",
    "update_dependencies",
    "install_dependencies",
    "update_custom_cookbooks",
    "execute_recipes",
    "sync_remote_users",
)
"""What OpsWorks called the valid client activities, in its order."""


class NoSuchRun(Exception):
    """No run fits; the message says what was looked for."""


@dataclass(frozen=True)
class PastRun:
    """A command that this node received, and where its run lies."""

    record: Record
    directory: Path

    @property
    def activity(self) -> str:
        return self.record.type

    @property
    def date(self) -> str:
        """When the command came, as `list_commands` prints it: `2015-11-24T21:00:28`, in UTC."""
        return datetime.fromtimestamp(self.record.received_at, UTC).strftime(DATE)

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def snapshot(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The world that the run saw; its secrets only when asked for."""
        try:
            found: dict[str, Any] = json.loads((self.directory / "snapshot.json").read_text())
        except FileNotFoundError:
            return {"bags": {}, "levels": [], "command": {}, "self": {}, "masked": []}
        hidden = () if show_secrets else found.get("masked", ())
        return {name: value if name == "masked" else filtered(value, hidden) for name, value in found.items()}

    def steps(self) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = json.loads((self.directory / "steps.json").read_text())
        except FileNotFoundError:
            return []
        return found


def past_runs(state: State) -> list[PastRun]:
    """The runs whose directories are still there, oldest first."""
    found = (PastRun(record, state.run(record.command_id)) for record in remembered(state.journal))
    return [each for each in found if each.record.step != "refused" and each.directory.is_dir()]


def choose(runs: Sequence[PastRun], words: Sequence[str]) -> PastRun:
    """The newest run that fits the words: an activity, a date, both or neither; NoSuchRun when none does."""
    fitting = [each for each in runs if set(words) <= {each.activity, each.date, each.record.command_id}]
    if not fitting:
        raise NoSuchRun(f"no run of {' '.join(words)} is kept here" if words else "no run is kept here")
    return fitting[-1]


def filtered(value: Any, secrets: Collection[str]) -> Any:
    """The value with every secret in it replaced."""
    if isinstance(value, dict):
        return {name: filtered(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [filtered(inner, secrets) for inner in value]
    if isinstance(value, str) and any(secret and secret in value for secret in secrets):
        return HIDDEN
    return value


def customer_json(run: PastRun, *, show_secrets: bool = False) -> dict[str, Any]:
    """The users' part of a run: the custom recipes, and the attributes from all levels laid over each other.

    Without the node's tags, which are no JSON that somebody wrote.
    """
    attributes: dict[str, Any] = {}
    for level, values in run.snapshot(show_secrets=show_secrets)["levels"]:
        if level != TAGS:
            attributes = merged(attributes, values)
    recipes = [recipe for step in run.steps() if step["phase"] == "custom" for recipe in step["recipes"]]
    return {**attributes, "run_list": [f"recipe[{recipe}]" for recipe in recipes]}
