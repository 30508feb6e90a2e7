"""Take the processes of this command's apps away; toque::undeploy has removed their releases."""

from cookbooks.python_app.process import service_name

from toque import node, service

for app in node.apps:
    if app.deploy:
        service(service_name(app.shortname), present=False)
