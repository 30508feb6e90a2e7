"""The accounts of users with SSH access."""

from cookbooks.toque.accounts import keep_accounts

from toque import settings

if settings.manage_users:
    keep_accounts()
