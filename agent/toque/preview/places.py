"""Where things of a plan are inside its clone; what is beneath `OWN` is no change of the machine's."""

from __future__ import annotations

FOLDER = "/run/toque/preview"
ORDER = f"{FOLDER}/order.json"
RESULT = f"{FOLDER}/result.json"
LOG = f"{FOLDER}/log"
RUN = f"{FOLDER}/run"
"""What the run directory of an agent holds: it may be in a place that is not cloned."""
REAL_SYSTEMCTL = f"{FOLDER}/systemctl"
"""The machine's own program, where the clone has one that records in its place."""

OWN = ("/run/toque", "/opt/toque", "/var/lib/toque-sandbox")
