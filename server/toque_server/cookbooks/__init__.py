"""Cookbook bundles on the server's disk, and where they come from: the wheel, or a stack's source."""
