"""Training: streams as lessons, and the two-stage curriculum (paper, section 3.2)."""
