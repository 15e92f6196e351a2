"""`python -m central` is `vedette central`."""

from central.cli import app

app(prog_name="vedette central")
