"""The server as the verbs ask it: by the names of operations, with things found by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from toque.cli.connection import Connection, from_environment
from toque.cli.declarations import declared
from toque.cli.verbs.nouns import NOUNS, Noun
from toque.client.errors import AccessDeniedException, Refused, ResourceNotFoundException


class NotOne(Refused):
    """No thing has this name, or several have it."""

    def __init__(self, message: str) -> None:
        super().__init__("NotFound", message)


@dataclass(frozen=True)
class Server:
    """`Server.here()("DescribeStacks", StackIds=[…])` answers as the wire does; members that are None are not sent."""

    connection: Connection

    def every(
        self, operation: str, records: str, /, *, most: int | None = None, **members: Any
    ) -> list[dict[str, Any]]:
        """The `records` of all pages of an operation's answer, or the first `most` of them."""
        found: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            answer = self(operation, **members, NextToken=token)
            found += answer[records]
            token = answer.get("NextToken")
            if token is None or (most is not None and len(found) >= most):
                return found[:most]

    @classmethod
    def here(cls) -> Server:
        """The server of the environment. Raises BadProfile."""
        return cls(from_environment())

    def __call__(self, operation: str, /, **members: Any) -> dict[str, Any]:
        about = declared()["operations"][operation]
        said = {name: value for name, value in members.items() if value is not None}
        return self.connection.call(operation, about["target"], said, reads=not about["changes"])

    def stack(self, which: str) -> dict[str, Any]:
        """A stack by its id or name. Raises NotOne."""
        return _only(
            "stack", which, [each for each in self("DescribeStacks")["Stacks"] if _is(NOUNS["stack"], each, which)]
        )

    def stack_id(self, which: str) -> str:
        return str(self.stack(which)["StackId"])

    def find(self, noun: str, which: str, stack: str | None = None) -> dict[str, Any]:
        """A layer, instance, app, … by its id, or by its name in one stack or in all. Raises NotOne."""
        about = NOUNS[noun]
        if noun == "stack":
            return self.stack(which)
        nameless = about.id == about.name
        if stack is None or nameless:
            with suppress(ResourceNotFoundException, AccessDeniedException):
                found: list[dict[str, Any]] = self(about.operation, **{about.one: [which]})[about.records]
                return found[0]
        if nameless:
            raise NotOne(f"there is no {noun} {which}, or you may not see it")
        return _only(noun, which, [each for each in self._of(about, stack) if _is(about, each, which)])

    def user(self, which: str) -> dict[str, Any]:
        """A user by his name or ARN. Raises NotOne."""
        found = self.every("DescribeUsers", "Users")
        for each in found:
            if which in (each["Name"], each["UserArn"]):
                return each
        raise NotOne(f"there is no user {which}; `toque user list` shows all")

    def ids(self, noun: str, names: tuple[str, ...], stack: str | None) -> list[str] | None:
        """The ids of several; None for none, which is how a member is left out."""
        return [str(self.find(noun, each, stack)[NOUNS[noun].id]) for each in names] or None

    def _of(self, about: Noun, stack: str | None) -> Iterator[dict[str, Any]]:
        stacks = [self.stack_id(stack)] if stack else [each["StackId"] for each in self("DescribeStacks")["Stacks"]]
        for id in stacks:
            yield from self(about.operation, StackId=id)[about.records]


def _is(about: Noun, record: dict[str, Any], which: str) -> bool:
    return which in {record.get(about.id), record.get(about.name), record.get("Name")}


def _only(noun: str, which: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    if not found:
        raise NotOne(f"there is no {noun} {which}; `toque {noun} list` shows all")
    if len(found) > 1:
        ids = ", ".join(str(each[NOUNS[noun].id]) for each in found)
        raise NotOne(f"{len(found)} {noun}s are called {which}: give --stack, or one of the ids {ids}")
    return found[0]
