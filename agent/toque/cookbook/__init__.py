"""Cookbooks on disk: layout, settings, bundle, run list, render."""
