"""The `vedette` command."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, Literal

import typer

from vedette import __version__

PARTS = {
    "edge": "edge.cli",
    "central": "central.cli",
    "camera": "vedette.camera",
    "models": "vedette.models.cli",
}


def make_app(parts: Iterable[str] = PARTS) -> typer.Typer:
    """The command with these parts; an edge box need not load the desk's half to watch its cameras."""
    app = typer.Typer(
        help="Edge video analytics for whole cities: says what happened where, never who.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,  # locals may hold credentials
    )
    for name in parts:
        app.add_typer(import_module(PARTS[name]).app, name=name)
    app.command()(import_module("vedette.demo.cli").demo)
    app.command()(schema)
    app.command()(version)
    return app


def schema(what: Annotated[Literal["camera"], typer.Argument(help="Whose schema.")]) -> None:
    """Print a JSON Schema for editors, e.g. `vedette schema camera > camera.schema.json`."""
    from contract.camera import json_schema

    typer.echo(json.dumps({"camera": json_schema}[what](), indent=2))


def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    make_app([first] if first in PARTS else PARTS if first in ("", "--help") else [])()


if __name__ == "__main__":
    main()
