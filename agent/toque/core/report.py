"""What a run says: one JSON object per resource for machines, lines with diffs for people, and the counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import IO, Any

from toque.core.masking import mask
from toque.core.resource import DRIFT, Action, Outcome, Resource
from toque.core.source import Source
from toque.protocol.run_warnings import MOST, one_line

Say = Callable[[str], None]

_COUNTED = {"would-change": "changed", "unknown": "unknown", "skipped": "skipped"}


class Report:
    """Collects outcomes. `lines` gets report.jsonl, `say` the readable log, both with secrets hidden."""

    def __init__(self, say: Say | None = None, lines: IO[str] | None = None) -> None:
        self._say = say or (lambda text: None)
        self._lines = lines
        self.counts = {
            "unchanged": 0,
            "changed": 0,
            "failed": 0,
            "ignored": 0,
            "skipped": 0,
            "unknown": 0,
            "actions": 0,
        }
        self.begins: Callable[[Resource[Any]], None] | None = None
        """Told of each resource before it is looked at, where somebody watches."""
        self.causes = {"drift_corrected": 0, "intended": 0, "flapping": 0}
        """Why resources changed, where the node remembers what was desired before."""
        self.flapping: list[str] = []
        """The names of resources that change in every run, as many as are told to the server."""
        self.warnings: list[str] = []
        """What went wrong without failing the run, each once, as many as are told to people beyond the log."""

    @property
    def would_change(self) -> bool:
        return self.counts["changed"] > 0

    @property
    def in_place(self) -> int:
        """How many resources were right, or were made right, before."""
        return self.counts["unchanged"] + self.counts["changed"]

    def note(self, text: str) -> None:
        """A line of the readable log."""
        self._say(mask(text))

    def warn(self, text: str) -> None:
        """A warning: a line of the readable log, and kept for whoever does not read that."""
        self.note(f"warning: {text}")
        told = one_line(mask(text))
        if told not in self.warnings and len(self.warnings) < MOST:
            self.warnings.append(told)

    def outcome(self, recipe: str, resource: Resource[Any], outcome: Outcome) -> None:
        status = outcome.status
        self.counts[_COUNTED.get(status, status)] += 1
        if outcome.cause:
            self._count_cause(resource, outcome)
        diff = ""
        if status != "unchanged":
            diff = self._tell(resource, outcome)
        if self._lines is not None:
            changed = sorted(outcome.change.fields) if outcome.change else []
            self._line(
                recipe, resource.word, resource.identity(), status, changed, diff, outcome.duration,
                resource.source_line, reason=outcome.reason, why=resource.why, tags=list(resource.tags),
                cause=outcome.cause, flapping=outcome.flapping,
            )  # fmt: skip

    def _count_cause(self, resource: Resource[Any], outcome: Outcome) -> None:
        self.causes["drift_corrected" if outcome.cause == DRIFT else "intended"] += 1
        if outcome.flapping:
            self.causes["flapping"] += 1
            if len(self.flapping) < MOST:
                self.flapping.append(one_line(mask(str(resource))))
            self.warn(f"{resource} changed in each of the last runs, though the same was asked for: {resource.remedy}")

    def acted(self, recipe: str, action: Action, because: str, dry_run: bool, seconds: float) -> None:
        self.counts["actions"] += 1
        self.note(
            f"{action.resource} {'would ' if dry_run else ''}{action.name}" + (f" ({because})" if because else "")
        )
        resource = action.resource
        self._line(
            recipe, resource.word, resource.identity(), "would-act" if dry_run else "acted", [], "", seconds,
            resource.source_line, reason=because, action=action.name,
        )  # fmt: skip

    def failed(self, recipe: str, word: str, name: str, source: Source, error: Exception) -> None:
        """A resource that could not even be made, or an action that failed."""
        self.counts["failed"] += 1
        self._line(recipe, word, name, "failed", [], "", 0.0, source, reason=str(error))

    def _tell(self, resource: Resource[Any], outcome: Outcome) -> str:
        """The lines for people; answers the diff."""
        if outcome.change is None:
            word = "failed (ignored)" if outcome.status == "ignored" else outcome.status
            if outcome.status != "failed" and not (outcome.status == "ignored" and resource.ignore_failure == "quiet"):
                joint = " because " if word == "unknown" else ": "
                self.note(f"{resource} {word}" + (f"{joint}{outcome.reason}" if outcome.reason else ""))
            return ""
        from toque.core.diffs import describe

        summary, diff = describe(resource, outcome.change)
        verb = "would be " if outcome.status == "would-change" else ""
        drift = "" if outcome.cause != DRIFT else " (drift)" if verb else " (drift corrected)"
        because = f" ({outcome.reason})" if outcome.reason else ""
        self.note(f"{resource} {verb}{summary}{drift}{because}" + (f" — {resource.why}" if resource.why else ""))
        if diff:
            self.note("    " + diff.rstrip("\n").replace("\n", "\n    "))
        return diff

    def _line(
        self,
        recipe: str,
        word: str,
        name: str,
        status: str,
        changed: list[str],
        diff: str,
        seconds: float,
        source: Source,
        **rest: str | list[str] | bool,
    ) -> None:
        if self._lines is None:
            return
        line: dict[str, Any] = {"recipe": recipe, "word": word, "name": name, "status": status, "changed": changed}
        line |= {"diff": diff, "seconds": round(seconds, 6), "source": f"{source.path}:{source.line}"}
        line |= {key: value for key, value in rest.items() if value}
        try:
            self._lines.write(mask(json.dumps(line)) + "\n")
        except OSError as error:
            # The disk is full, say: what the run does counts more than what is written about it (R12).
            self.note(f"toque: report.jsonl lacks {line['name']}: {error}")
