"""Settings of the balancer; set them under the key `haproxy` at any level."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Where to listen, where the app listens, and how to tell that it is well."""

    port: int = 80
    """Port of the front end, on the node's own address."""
    backend_port: int = 80
    """Port that the app instances listen on."""
    health_check_url: str = "/"
    health_check_method: str = "OPTIONS"
    """`OPTIONS`, `GET` or `HEAD`; the app must answer 2xx or 3xx."""
    stats_enabled: bool = False
    stats_port: int = 8404
    stats_url: str = "/haproxy?stats"
    stats_user: str = "opsworks"
    stats_password: str = ""
    """Statistics are served only with a password."""
    maximum_connections: int = 2000
