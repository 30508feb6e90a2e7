"""Cookbook bundles on the server's disk, and where they come from: shipped with the wheel, or fetched from a stack's source."""
