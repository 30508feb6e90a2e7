"""Before the layers' own deploy recipes: say which apps this command deploys."""

from toque import log, node

for app in node.apps:
    if app.deploy:
        log(f"app {app.shortname}: {app.app_source.type} {app.app_source.url or ''} {app.app_source.revision or ''}".rstrip())
