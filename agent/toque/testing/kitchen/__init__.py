"""The kitchen: a cookbook on a throw-away machine; converged, converged again, verified, broken and repaired.

config ── suites of kitchen.toml      driver ── the machine (a sandbox)      inside ── what runs in it
suite  ── the steps of one suite      drift  ── what is broken on purpose    backend ── pytest-testinfra into it
"""
