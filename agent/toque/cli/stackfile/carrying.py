"""Carries out a plan, step by step, and stops at the first that the server refuses; running it again goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from toque.cli.stackfile.fetching import Call
from toque.client.errors import CallFailed
from toque.stackfile.comparing import Secrets
from toque.stackfile.ids import Ids, Unknown
from toque.stackfile.plan import Step
from toque.stackfile.requests import requests_of


class Stopped(Exception):
    """`step` was not done, or not wholly, because of `error`; `done` are those before it, `rest` those after it."""

    def __init__(self, done: Sequence[Step], step: Step, rest: Sequence[Step], error: CallFailed | Unknown) -> None:
        super().__init__(str(error))
        self.done, self.step, self.rest, self.error = done, step, rest, error


def carry_out(
    call: Call, steps: Sequence[Step], ids: Ids, secrets: Secrets, tell: Callable[[Step], None] = lambda step: None
) -> None:
    """Take every step; `tell` is told of each when it is done. `ids` learns what is made. Raises Stopped."""
    for number, step in enumerate(steps):
        try:
            for operation, members, keeps in requests_of(step, ids, secrets):
                answer = call(operation, **members)
                if keeps is not None:
                    _keep(call, ids, keeps, answer[keeps[2]])
        except (CallFailed, Unknown) as error:
            raise Stopped(steps[:number], step, steps[number + 1 :], error) from error
        tell(step)


def _keep(call: Call, ids: Ids, keeps: tuple[str, str, str], id: str) -> None:
    level, name, _ = keeps
    if level == "stack":
        ids.stack = id
        ids.stack_arn = call("DescribeStacks", StackIds=[id])["Stacks"][0]["Arn"]
    else:
        getattr(ids, f"{level}s")[name] = id
