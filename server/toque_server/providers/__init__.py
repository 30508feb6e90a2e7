"""Where instances come from: one module per kind of infrastructure."""

from toque_server.providers.provider import (
    LaunchOrder,
    Machine,
    MachineState,
    Provider,
    ProviderError,
    RegionSettings,
    provider_for,
)

__all__ = [
    "LaunchOrder",
    "Machine",
    "MachineState",
    "Provider",
    "ProviderError",
    "RegionSettings",
    "provider_for",
]
