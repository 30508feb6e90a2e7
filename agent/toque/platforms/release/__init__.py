"""Releases of an app on disk: where they lie, which of them count, and how one becomes current."""

from toque.platforms.release.layout import Layout, Marker, NothingToRollBackTo

__all__ = ["Layout", "Marker", "NothingToRollBackTo"]
