"""Toque's server: stacks, layers, apps, policies, healing, console."""
