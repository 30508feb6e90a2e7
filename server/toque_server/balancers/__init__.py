"""Load balancers that instances join and leave."""
