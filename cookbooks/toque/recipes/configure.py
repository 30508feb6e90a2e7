"""Configure of every instance: the names of the instances that are online now."""

from cookbooks.toque.hosts import keep_hosts

from toque import settings

if settings.manage_hosts:
    keep_hosts()
