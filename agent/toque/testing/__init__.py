"""The pytest plugin for recipe authors."""
