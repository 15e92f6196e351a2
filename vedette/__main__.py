"""The `vedette` command."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from central.cli import app as central_app
from contract.camera import json_schema
from edge.cli import app as edge_app
from vedette import __version__
from vedette.demo.cli import demo
from vedette.models.cli import app as models_app
from vedette.virtual_camera.cli import app as camera_app

app = typer.Typer(
    help="Edge video analytics for whole cities: says what happened where, never who.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold credentials
)
app.add_typer(edge_app, name="edge")
app.add_typer(central_app, name="central")
app.add_typer(camera_app, name="camera")
app.add_typer(models_app, name="models")
app.command()(demo)


@app.command()
def schema(what: Annotated[Literal["camera"], typer.Argument(help="Whose schema.")]) -> None:
    """Print a JSON Schema for editors, e.g. `vedette schema camera > camera.schema.json`."""
    typer.echo(json.dumps(json_schema() if what == "camera" else {}, indent=2))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
