"""What the edge's commands share: an option, where they speak, and how they tell of a mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from contract.errors import ConfigError
from edge.detect import choices
from edge.detect.shipped import models_dir
from edge.errors import EdgeError

Models = Annotated[
    Path,
    typer.Option(
        help="Folder of models.", envvar="VEDETTE_MODELS", default_factory=models_dir, show_default="Vedette's own"
    ),
]

Backend = Annotated[
    choices.Backend,
    typer.Option(
        help="What runs the model; onnx needs the extra \\[onnx], ultralytics the extra \\[ultralytics] and a model "
        "whose card names a .pt."
    ),
]
Device = Annotated[
    choices.Device,
    typer.Option(help="Where: auto is an NVIDIA GPU if the backend finds one (openvino finds none), else the CPU."),
]

err = Console(stderr=True, highlight=False)
out = Console(highlight=False)


class told:  # noqa: N801  (reads as a statement: with told())
    """Turns the project's own errors into a message and exit status 1."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ConfigError):
            err.print(str(error), markup=False, style="red", soft_wrap=True)
            err.print(f"{len(error.problems)} problem(s).", style="bold red")
            raise typer.Exit(1) from error
        if isinstance(error, EdgeError):
            err.print(str(error), markup=False, style="red", soft_wrap=True)
            if error.hint:
                err.print(f"hint: {error.hint}", markup=False, soft_wrap=True)
            raise typer.Exit(1) from error
