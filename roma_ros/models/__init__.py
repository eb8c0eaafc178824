"""Embedded checkpoints, and the recipe of roma_tiny."""
