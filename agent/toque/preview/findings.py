"""What a plan on a clone found out: values, a page of text for people, a JSON document for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toque.core.masking import mask
from toque.preview.accounts import AccountChange
from toque.preview.files import ACCOUNTS, FileChange
from toque.preview.packages import PackageChange
from toque.preview.services import ServiceChange

LISTED_BELOW = 10
"""Of a new directory with more than so much in it, the text tells how much it is; the JSON has everything."""

LINES_OF_A_DIFF = 40
"""The text shows so much of each; the JSON has more, and the log what a resource wrote."""


@dataclass
class Findings:
    """How the converge ended, and what it changed."""

    exit_code: int
    resources: Sequence[Mapping[str, Any]] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    log: str = ""
    reason: str = ""
    """Of a run that failed, the first line of what went wrong."""
    files: list[FileChange] = field(default_factory=list)
    packages: list[PackageChange] = field(default_factory=list)
    records: int = 0
    """How many files differ in which the package manager keeps its own state."""
    users: list[AccountChange] = field(default_factory=list)
    groups: list[AccountChange] = field(default_factory=list)
    services: list[ServiceChange] = field(default_factory=list)
    undisclosed: frozenset[str] = frozenset()
    """Names of resources whose content the recipe wants shown to nobody."""
    not_shown: list[tuple[str, str]] = field(default_factory=list)
    """What a plan on a clone cannot show: of which resource, and why."""

    @property
    def anything(self) -> bool:
        """Whether the recipe changes anything, seen or not."""
        found = [*self.files, *self.packages, *self.users, *self.groups, *self.services]
        return bool(found or self.not_shown)

    def document(self) -> dict[str, Any]:
        return {
            "exit_code": self.exit_code,
            "counts": dict(self.counts),
            "resources": list(self.resources),
            "files": [each.values() for each in self.files],
            "packages": [each.values() for each in self.packages],
            "users": [each.values() for each in self.users],
            "groups": [each.values() for each in self.groups],
            "services": [each.values() for each in self.services],
            "not_shown": [{"what": what, "reason": reason} for what, reason in self.not_shown],
            "log": self.log,
        }

    def page(self) -> str:
        """The sections for people; empty ones are left out."""
        sections = {
            "Files": _files(self.files, {str(each["name"]) for each in self.resources}),
            "Packages": [str(each) for each in self.packages]
            + ([f"({self.records} files of the package manager's own records)"] if self.records else []),
            "Users": [str(each) for each in self.users],
            "Groups": [str(each) for each in self.groups],
            "Services": [str(each) for each in self.services],
            "Not shown": [f"{what}: {reason}" for what, reason in self.not_shown],
        }
        said = [f"\n{title}\n" + "".join(f"  {line}\n" for line in lines) for title, lines in sections.items() if lines]
        nothing = "" if self.exit_code else "\nnothing would change\n"
        return mask("".join(said) or nothing)


def _files(files: Sequence[FileChange], named: set[str]) -> list[str]:
    lines: list[str] = []
    folded = ""
    if told := [each.path for each in files if each.path in ACCOUNTS and not each.diff]:
        lines.append(f"changed {', '.join(told)} (see Users and Groups)")
    for number, each in enumerate(files):
        if each.path in told:
            continue
        if folded and each.path.startswith(folded) and each.path not in named:
            continue
        details = f" ({', '.join(each.details)})" if each.details else ""
        line = f"{each.what} {each.path}{'/' if each.kind == 'directory' else ''}{details}"
        if each.kind == "directory" and each.what == "created":
            below = sum(1 for other in files[number + 1 :] if other.path.startswith(f"{each.path}/"))
            if below > LISTED_BELOW:
                folded = f"{each.path}/"
                line += f", with {below} below it"
        lines.append(line)
        diff = each.diff.splitlines()
        lines += [f"    {text}" for text in diff[:LINES_OF_A_DIFF]]
        if len(diff) > LINES_OF_A_DIFF:
            lines.append(f"    … {len(diff) - LINES_OF_A_DIFF} more lines")
    return lines
