"""The words of a recipe, and nothing else."""
