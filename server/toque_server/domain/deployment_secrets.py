"""What of a deployment is stored sealed: custom JSON, the app that is deleted while it runs (E-11), who is elected."""

from __future__ import annotations

import msgspec

from toque_server.domain.app import App, AppSecrets


class DeploymentSecrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """Both halves of the app's record are there, as they were when it was deleted."""

    custom_json: str | None = None
    app: App | None = None
    app_secrets: AppSecrets | None = None
    elected: str | None = None
    """The id of the instance that does what is done once; kept, as instances come, go and are renamed."""
