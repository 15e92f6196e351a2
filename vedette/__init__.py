"""The command line, the demo and the virtual camera: the only package that imports both sides."""

__version__ = "0.1.0"
