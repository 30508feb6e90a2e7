"""What a node knows of itself, collected when first asked for."""
