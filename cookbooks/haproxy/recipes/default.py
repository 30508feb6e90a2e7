"""Install HAProxy and start it; it answers 503 until app instances are online."""

from cookbooks.haproxy.balancer import keep_balancing

from toque import package, settings

package("haproxy")
keep_balancing(settings)
