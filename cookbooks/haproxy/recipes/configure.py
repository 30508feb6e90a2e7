"""Balance over the instances that are online now."""

from cookbooks.haproxy.balancer import keep_balancing

from toque import settings

keep_balancing(settings)
