"""`vedette models`: export, verify, list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from edge.detect.card import Card, load_card, verify
from edge.detect.shipped import models_dir
from edge.errors import EdgeError, ModelError
from vedette.models.export import MAX_BYTES, Precision
from vedette.models.export import export as export_weights

app = typer.Typer(help="Model weights and their cards.", no_args_is_help=True)

Folders = Annotated[
    list[Path] | None,
    typer.Argument(help="Folders with a card.yaml, or with such folders in them; default: Vedette's own."),
]


@app.command()
def export(
    pt: Annotated[Path, typer.Argument(help="A YOLOv8 detector's .pt file.")],
    out: Annotated[Path, typer.Option(help="The model's folder; made where missing.")],
    precision: Annotated[Precision, typer.Option(help="How weights are stored.")] = Precision.fp16,
    sha256: Annotated[
        str | None, typer.Option(help="What the .pt must be. A .pt can run code when loaded: give it.")
    ] = None,
) -> None:
    """Make one dynamic-shape ONNX of a .pt (needs the extra `ultralytics`)."""
    try:
        made = export_weights(pt, out, precision=precision, sha256=sha256)
    except EdgeError as error:
        _fail(error)
    console = Console()
    console.print(f"{made.file}: {made.size:,} bytes", highlight=False, soft_wrap=True)
    console.print("for its card.yaml:", highlight=False)
    for line in (
        f"file: {made.file.name}",
        f"size: {made.size}",
        f"sha256: {made.sha256}",
        f"precision: {precision.value}",
        f"source.file: {pt.name}",
        f"source.sha256: {made.source_sha256}",
        f"input.stride: {made.stride}",
        f"classes: [{', '.join(made.names)}]",
    ):
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    libraries = ", ".join(f"{name} {version}" for name, version in made.made_with.items())
    console.print(f"made with {libraries}", highlight=False)
    if made.size > MAX_BYTES:
        console.print(f"larger than {MAX_BYTES:,} bytes: edges on poor links will thank you for fp16")


@app.command("verify")
def verify_models(folders: Folders = None) -> None:
    """Read every card and compare its weights; exit code 1 where one is wrong."""
    table = Table("id", "precision", "size", "SHA-256", "licence")
    found: list[EdgeError] = []
    for path in _found(folders):
        try:
            card = load_card(path)
        except EdgeError as error:
            found.append(error)
            table.add_row(path.parent.name, "", "", "[red]card refused", "")
            continue
        state = "[green]ok"
        try:
            verify(card)
        except EdgeError as error:
            found.append(error)
            state = "[red]wrong"
        table.add_row(*_row(card), state, card.licence)
    Console().print(table)
    for wrong in found:
        _say(wrong)
    raise typer.Exit(1 if found else 0)


@app.command("list")
def list_models(folders: Folders = None) -> None:
    """Show models and what they were trained to see; reads no weights."""
    table = Table("id", "precision", "size", "input", "classes", "licence")
    try:
        for path in _found(folders):
            card = load_card(path)
            table.add_row(*_row(card), f"{card.input.size} px", str(len(card.classes)), card.licence)
    except EdgeError as error:
        _fail(error)
    Console().print(table)


def _row(card: Card) -> tuple[str, str, str]:
    return card.id, card.precision, f"{card.size / 1e6:.1f} MB"


def _found(folders: list[Path] | None) -> list[Path]:
    """Cards in or right below the folders. Finding none is an error: a check of nothing must not look green."""
    cards = []
    for folder in folders or [models_dir()]:
        here = [folder / "card.yaml"] if (folder / "card.yaml").is_file() else []
        below = here or sorted(folder.glob("*/card.yaml"))
        if not below:
            _fail(ModelError(f"{folder}: no card.yaml in it or right below", hint="name a model's folder"))
        cards += below
    return cards


def _fail(error: EdgeError) -> NoReturn:
    _say(error)
    raise typer.Exit(1)


def _say(error: EdgeError) -> None:
    console = Console(stderr=True)
    console.print(f"error: {error}", highlight=False, markup=False, soft_wrap=True)
    if error.hint:
        console.print(f"  hint: {error.hint}", highlight=False, markup=False, soft_wrap=True)
