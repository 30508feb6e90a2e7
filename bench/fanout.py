"""Configure to N nodes after one change: how long until every command is written, and what it stores (D16, ruling 16).

    python bench/fanout.py --nodes 1000 --database sqlite
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.installation import STACK, installation, populate, report, services  # noqa: E402
from sqlalchemy import func, select  # noqa: E402
from toque_server.domain.consequences import Configure  # noqa: E402
from toque_server.reconcile.apply import apply  # noqa: E402
from toque_server.store import tables as t  # noqa: E402

TARGET = 0.5


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=int, default=1000)
    options.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = options.parse_args()
