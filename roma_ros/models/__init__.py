"""Embedded checkpoints, and the program that makes roma_tiny."""
