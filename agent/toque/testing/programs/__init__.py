"""What the programs of a machine do to the machine in memory: one file per program, or per family of them.

A new one is a file here with a class that has `look` and `do` (`toque.testing.machine.Program`).
"""
