"""Cookbooks that need other cookbooks: cookbooks.toml says which, cookbooks.lock says exactly which (D13)."""
