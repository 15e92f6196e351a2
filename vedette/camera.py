"""`vedette camera`: what a real camera offers, and virtual ones made of clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vedette.virtual_camera.cli import serve

app = typer.Typer(help="Cameras: what a real one offers, and virtual ones made of clips.", no_args_is_help=True)
app.command()(serve)


@app.command()
def streams(
    address: Annotated[str, typer.Argument(help="http://host[:port], or the whole address of its device service.")],
    credentials_file: Annotated[
        Path | None, typer.Option(help="What the edge gets as --credentials: NAME: {username: ..., password: ...}.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Whose user and password of that file.")] = None,
) -> None:
    """Ask a camera over ONVIF which streams it has, and print what to write into its camera file.

    The second column says what `stream: sub` and `stream: main` take. A recorder has several cameras: each gets a
    line, with its name as `camera:`. The password never stands on the command line.

    Examples:

        vedette camera streams http://192.0.2.7

        vedette camera streams http://192.0.2.7:8000 --credentials-file credentials.yaml --name gate-cameras
    """
    from vedette.streams import show  # not above: `serve` needs no edge

    show(address, credentials_file, name)
