"""A plan on a clone: a recipe runs for real in a copy of this machine, what it changed is listed, and the copy goes.

clone ── makes the clone, runs the recipe in it, looks, removes it     inside ── the recipe's run, in the clone
files, packages, accounts, services ── what differs                    systemctl ── records instead of doing
findings ── what was found, as values, text and JSON
"""
