"""The balancer as every event wants it: its configuration in place, and running."""

from cookbooks.haproxy.backends import backends
from cookbooks.haproxy.settings import Settings

from toque import node, service, template


def keep_balancing(settings: Settings) -> None:
    """Write the configuration for the instances that are online now, and take it up without dropping a connection."""
    conf = template(
        "/etc/haproxy/haproxy.cfg",
        source="haproxy.cfg.j2",
        mode="0640",
        variables={"settings": settings, "address": node.ip, "backends": backends()},
        verify=["haproxy", "-c", "-f", "{path}"],
        why="one server line per online app instance",
    )
    service("haproxy", running=True, enabled=True, reload_on=[conf])
