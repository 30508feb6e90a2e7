"""Deregister of every instance: the rights and names that Toque gave on this machine end; the machine runs on."""

from cookbooks.toque.accounts import release_accounts
from cookbooks.toque.hosts import release_hosts

from toque import settings

if settings.manage_hosts:
    release_hosts()
if settings.manage_users:
    release_accounts(remove=settings.remove_users)
