"""What the kitchen runs in its machine: converge, and break. Prints the log; what became of all stands in a JSON file.

python -m toque.testing.kitchen.inside converge BASE TURN     the recipes of BASE/order.json, into BASE/TURN.json
python -m toque.testing.kitchen.inside break BASE TURN        the drifts of BASE/TURN.drifts.json, into BASE/TURN.json
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from dataclasses import fields
from pathlib import Path
from typing import Any

from toque.cookbook.execute import run_phase
from toque.cookbook.layout import find_cookbooks
from toque.cookbook.shelf import Shelf
from toque.core.errors import ToqueError
from toque.core.ledger import Ledger
from toque.core.local import LocalHost
from toque.core.masking import MaskedText, mask
from toque.core.run import Run
from toque.core.world import World
from toque.facts import collect
from toque.testing.kitchen.drift import MOST, Drift, perform
from toque.testing.runs import Recording, Touched


def converge(base: Path, turn: str) -> int:
    """Run the suite's recipes once; answers the exit code of the run."""
    order = json.loads((base / "order.json").read_text(encoding="utf-8"))
    snapshot = order["snapshot"]
    log = MaskedText(sys.stdout)
    with redirect_stdout(log):
        report = Recording(log.line)
        run = Run(LocalHost(), report=report, ledger=Ledger(base / "ledger.jsonl"))
        world = World(
            bags=snapshot["bags"],
            levels=[(level, values) for level, values in snapshot["levels"]],
            me=snapshot["self"],
            masked=snapshot["masked"],
            collect=collect,
            allow_insecure_sources=True,
        )
        shelf = Shelf(find_cookbooks(base / "cookbooks"), base)
        code, reason = run_phase(shelf, order["recipes"], run, world, base)
        log.flush()
    acts = [{"action": str(a), "because": a.because, "source": str(a.action.resource.source_line)} for a in report.acts]
    result = {"code": code, "reason": reason, "resources": [_told(each) for each in report.touched], "actions": acts}
    (base / f"{turn}.json").write_text(mask(json.dumps(result)), encoding="utf-8")
    return code


def break_things(base: Path, turn: str) -> int:
    """Do the damage, in this order until it is enough; what cannot be done (a user who is at work) is passed over."""
    drifts = [Drift(**each) for each in json.loads((base / f"{turn}.drifts.json").read_text(encoding="utf-8"))]
    host = LocalHost()
    done: list[dict[str, str]] = []
    problems: list[str] = []
    for each in drifts:
        if len(done) == MOST:
            break
        try:
            perform(each, host)
            done.append(each.values())
        except (ToqueError, OSError) as error:
            problems.append(f"{each}: {error}")
    (base / f"{turn}.json").write_text(json.dumps({"done": done, "problems": problems}), encoding="utf-8")
    return 0


def _told(each: Touched) -> dict[str, Any]:
    settled = each.status in ("unchanged", "changed")
    want = each.declared.desired() if settled else None
    fields_of = {} if want is None else {f.name: getattr(want, f.name) for f in fields(want)}
    # Which properties are managed; of those that are yes or no, also which.
    managed = {name: value if isinstance(value, bool) else "" for name, value in fields_of.items() if value is not None}
    return {
        "recipe": each.recipe,
        "word": each.word,
        "name": each.name,
        "status": each.status,
        "changed": sorted(each.fields),
        "reason": each.reason,
        "source": str(each.source),
        "absent": settled and want is None,
        "managed": managed,
    }


def main(argv: list[str]) -> int:
    match argv:
        case ["converge", base, turn]:
            return converge(Path(base), turn)
        case ["break", base, turn]:
            return break_things(Path(base), turn)
    sys.stderr.write(f"{__doc__}")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
