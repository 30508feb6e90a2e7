"""How one word is done on different systems: package managers, service managers."""
