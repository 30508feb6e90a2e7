"""Decisions, and only decisions: no clock, no store, no network."""
