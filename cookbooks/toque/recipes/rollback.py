"""Put the release before the current one back, and restart the app; hooks and migrations do not run."""

from cookbooks.toque.services import control

from toque import app_release, node

for app in node.apps:
    if app.deploy:
        app_release(app, to="previous", start=lambda release: control(release.shortname, "restart"))
