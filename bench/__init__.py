"""Measurements; each prints ratios and writes nothing into the repository."""
