"""Model weights: export, verify, list."""
