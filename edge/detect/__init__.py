"""Model card, detector protocol and its backends."""
