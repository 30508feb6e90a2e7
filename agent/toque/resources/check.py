"""check: something that must hold, or the run stops here, a dry one too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource


class CheckFailed(ToqueError):
    """What had to hold does not."""


@dataclass(frozen=True)
class CheckState:
    """It holds. There is no other state to go on with."""

    holds: bool = True


@resource("check")
@dataclass(frozen=True)
class Check(Resource[CheckState]):
    """Stop the run where something does not hold. It only looks, and is never a change.

    name     what must hold, in words; the error says it
    holds    a function without arguments that answers yes or no, or a program that only looks (exit code 0 is yes)
    hint     what to do where it does not hold

    In a plan it is asked as well. Where it fails after lines that would change something, the plan says that it cannot
    be told before these.

        check("this machine has at least 64 MB of memory", holds=lambda: node.memory.total_mb >= 64)
        check("the data disk is there", holds=["test", "-d", "/"], hint="attach a volume to the layer")
    """

    name: str
    _: KW_ONLY
    holds: Callable[[], bool] | Sequence[str]
    hint: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.name.isprintable():
            raise BadProperty(f"check name must be one line that says what must hold, got {self.name!r}")
        if not callable(self.holds) and not self.holds:
            raise BadProperty('check holds needs a program, e.g. ["test", "-d", "/srv/data"]')

    def desired(self) -> CheckState:
        return CheckState()

    def current(self, host: Host) -> CheckState:
        if callable(self.holds):
            said = None if self.holds() else ""
        else:
            ran = host.run(self.holds, ok=range(256))
            said = None if ran.code == 0 else (ran.err.strip() or ran.out.strip()).partition("\n")[0]
        if said is not None:
            told = (f"it does not hold that {self.name}", said, self.hint)
            raise CheckFailed(": ".join(each for each in told if each))
        return CheckState()

    def apply(self, host: Host, change: Change[CheckState]) -> None:
        raise AssertionError("a check that holds has nothing to change")


check = recipe_word(Check)
