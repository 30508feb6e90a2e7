"""The conformance tests' world behind the door: arranged without boto3 and without sockets."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.server.conformance.world import Refused, World
from tests.server.fuzz.door import Door
from tests.server.operations.calls import Caller
from toque_server.domain.permission import Principal
from toque_server.operations.registry import OPERATIONS

ACCOUNT: Final = "123456789012"


class Inside(World):
    """Calls are signed and answered as ever, in this process; the answers stay JSON."""

    def __init__(self, door: Door) -> None:
        owner = Principal(arn=f"arn:aws:iam::{ACCOUNT}:root", name="admin", administrator=True)
        super().__init__(None, "", dict(door.secrets), door.services, Caller(door.services, owner))  # type: ignore[arg-type]
        self._door = door

    def _ask(self, **question: Any) -> Any:
        name = question["operation"]
        target = question.get("target") or f"{OPERATIONS[name].target}.{name}"
        answer = self._door.aws(target, json.dumps(question["members"]).encode())
        if answer.status != 200:
            raise Refused(answer.json["__type"], answer.json["message"], answer.status, None)
        return answer.json
