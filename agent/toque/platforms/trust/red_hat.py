"""The store of Red Hat, Fedora and their family."""

from __future__ import annotations

from toque.platforms.trust.store import Store

RED_HAT = Store(
    folder="/etc/pki/ca-trust/source/anchors",
    suffix=".pem",
    bundle="/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    update=("update-ca-trust", "extract"),
    update_after_removal=("update-ca-trust", "extract"),
)
