"""Which instances a balancer sends requests to."""

from dataclasses import dataclass

from toque import search

APP_LAYERS = {"java-app", "nodejs-app", "php-app", "python-app", "rails-app", "web"}


@dataclass(frozen=True)
class Backend:
    name: str
    address: str


def backends() -> list[Backend]:
    """Every online instance of an app server layer, by host name, as this command's snapshot shows them."""
    layers = {item["layer_id"] for item in search("aws_opsworks_layer") if item["type"] in APP_LAYERS}
    return [
        Backend(item["hostname"], item["private_ip"])
        for item in search("aws_opsworks_instance", "status:online")
        if item["private_ip"] and layers.intersection(item["layer_ids"])
    ]
