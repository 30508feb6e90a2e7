"""Settings of the Python app layer; set them under the key `python-app` at any level."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Where apps listen, and as whom they run."""

    port: int = 80
    """Port of the first app on the node's own address; each further app gets the next number."""
    user: str = "deploy"
    group: str = "www-data"
    python: str = "/usr/bin/python3"
    """The interpreter that apps and their virtual environments use."""
    command: str = ""
    """How to start the app, with its release as working folder; empty: the line `web:` of its Procfile."""
