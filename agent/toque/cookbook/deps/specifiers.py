"""Which versions will do: `>=1.2, <2`, as PEP 440 has it, or `*` for any."""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"(~=|==|!=|<=|>=|<|>)\s*\d{1,9}(\.\d{1,9}){0,3}(\.\*|(a|b|rc|\.dev|\.post)\d{1,9})?", re.ASCII)


def wrong_with(text: object) -> str:
    """What is wrong with a version specifier, and what would be right; empty when nothing is."""
    if not isinstance(text, str) or len(text) > 200:
        return 'must be a version such as ">=1.2, <2", or "*"'
    if text == "*":
        return ""
    for clause in (each.strip() for each in text.split(",")):
        if clause.startswith("~>"):
            return f'{text!r} is no version: what Chef writes as "~> 1.2" is "~=1.2" here'
        if re.match(r"=?\s*\d", clause):
            return f'{text!r} is no version: write "=={clause.lstrip("= ")}" for exactly this one'
        if _CLAUSE.fullmatch(clause) is None:
            return f'{text!r} is no version such as ">=1.2, <2", or "*"'
        if clause.endswith(".*") and not clause.startswith(("==", "!=")):
            return f"{text!r} is no version: .* goes with == and != only"
        if clause.startswith("~=") and not re.match(r"~=\s*\d+\.\d", clause):
            return f'{text!r} is no version: "~=" wants at least two numbers, such as "~=1.2"'
    return ""
