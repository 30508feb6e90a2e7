"""What the things of one stack are called by its server, by what they are called in a document."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Ids:
    """Grows while a plan is carried out. Before a stack is made it knows the account only, which users belong to."""

    account: str | None = None
    stack: str = ""
    stack_arn: str = ""
    layers: dict[str, str] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)
    apps: dict[str, str] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)

    def of(self, level: str, name: str) -> str:
        """The id of the stack, or of a layer, instance, app or volume. Raises Unknown."""
        if level == "stack":
            return self.stack
        known: dict[str, str] = getattr(self, f"{level}s")
        if name not in known:
            raise Unknown(level, name)
        return known[name]

    def arn(self, level: str, name: str) -> str:
        """
        >>> Ids(stack="s", stack_arn="arn:aws:opsworks:eu:1:stack/s/", layers={"web": "l"}).arn("layer", "web")
        'arn:aws:opsworks:eu:1:layer/l/'
        """
        return f"{self.stack_arn.rpartition(':')[0]}:{level}/{self.of(level, name)}/"

    def user_arn(self, label: str) -> str:
        """The ARN of a user who is called by name, or by his ARN."""
        return label if label.startswith("arn:") else f"arn:aws:iam::{self.account}:user/{label}"


class Unknown(LookupError):
    """The stack has nothing of this name."""

    def __init__(self, level: str, name: str) -> None:
        super().__init__(f"the stack has no {level} {name}: please add it to the file, or make it first")
