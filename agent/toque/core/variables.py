"""The grammar of environment variables, so that no name and no value can be more than one variable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from toque.core.errors import BadProperty

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_variable(name: object) -> bool:
    """Whether every shell and every init system takes it as the name of a variable."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def check_variables(word: str, variables: Mapping[Any, Any] | None) -> None:
    """Refuse what is no environment of a program: names such as PORT, each with text."""
    for name, value in (variables or {}).items():
        if not is_variable(name) or not isinstance(value, str) or "\0" in value:
            raise BadProperty(f"{word} environment must map names such as PORT to text; {name!r} does not")
