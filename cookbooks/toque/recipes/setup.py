"""Setup of every instance: packages of its layers, names of its neighbours, updates where they are asked for."""

from cookbooks.toque.hosts import keep_hosts
from cookbooks.toque.updates import install_updates, keep_packages

from toque import node, settings

if settings.updates_on_boot and node.command.args.get("install_updates", False):
    install_updates()
keep_packages()
if settings.manage_hosts:
    keep_hosts()
