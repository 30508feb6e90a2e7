"""block_of_python: a function of the recipe that is called as a resource: seen in the log, and not in a dry run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from toque.core import BadProperty, Change, Host, Resource, action, recipe_word, resource


@dataclass(frozen=True)
class BlockState:
    """Done; when it is not, there is no state at all."""

    done: bool = True


@resource("block_of_python")
@dataclass(frozen=True)
class BlockOfPython(Resource[BlockState]):
    """Call a function that changes something. Plain Python in a recipe runs in a plan too; this does not.

    name       what it is called in log and report
    function   called without arguments; what it raises fails the resource
    unless     a function without arguments that only looks: when it answers yes, there is nothing to do
    when_told  True: it is called only as `notify=[it.run]` of another resource

    Without unless, only_if or not_if it is called each time, and each time counts as a change. With unless the function
    must make it say yes, else the resource has failed.

        from pathlib import Path

        done = Path("/var/lib/shop/seeded")
        block_of_python("seed the shop", lambda: done.touch(), unless=done.exists)
    """

    made: ClassVar[str] = "called"

    name: str
    function: Callable[[], object]
    _: KW_ONLY
    unless: Callable[[], bool] | None = None
    when_told: bool = False

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.name.isprintable():
            raise BadProperty(f"block_of_python name must be one line that says what it does, got {self.name!r}")

    def desired(self) -> BlockState:
        return BlockState()

    def current(self, host: Host) -> BlockState | None:
        done = self.when_told or (self.unless is not None and self.unless())
        return BlockState() if done else None

    def apply(self, host: Host, change: Change[BlockState]) -> None:
        self.function()

    @action
    def run(self, host: Host) -> None:
        """Call it now, whatever is done already."""
        self.function()

    def can_look_again(self) -> bool:
        return self.unless is not None


block_of_python = recipe_word(BlockOfPython)
