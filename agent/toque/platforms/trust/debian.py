"""The store of Debian, Ubuntu and Alpine."""

from __future__ import annotations

from toque.platforms.trust.store import Store

DEBIAN = Store(
    folder="/usr/local/share/ca-certificates",
    suffix=".crt",
    bundle="/etc/ssl/certs/ca-certificates.crt",
    update=("update-ca-certificates",),
    # Only this one takes links of what is gone out of /etc/ssl/certs.
    update_after_removal=("update-ca-certificates", "--fresh"),
)
