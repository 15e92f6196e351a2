"""The demo: a virtual camera, an edge and a central as real processes on this machine."""
