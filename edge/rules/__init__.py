"""Tracks in, signals out: small objects that know no clock, no camera and no I/O."""
