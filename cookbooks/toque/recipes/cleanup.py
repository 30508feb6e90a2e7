"""The last step of every run."""

from toque import log, node

log(f"{node.hostname}: the run is over")
