"""Stop balancing: the instance is about to leave."""

from toque import service

service("haproxy", running=False)
