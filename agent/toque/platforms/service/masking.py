"""What a service manager says that knows no masks."""

from __future__ import annotations

from toque.core import ToqueError


class NoMasks(ToqueError):
    """A service was to be masked where only systemd could do that."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"service {name} cannot be masked: only systemd has masks, and it does not keep this service; "
            "say running=False, enabled=False instead"
        )


class Unmaskable:
    """Nothing is masked here, and nothing can be."""

    def masked(self, name: str) -> bool:
        return False

    def set_masked(self, name: str, masked: bool) -> None:
        raise NoMasks(name)
