"""The files that a command is to write, looked at before its work, so that a wrong path costs none."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.errors import SettingsError


def check(outputs: Sequence[Path], inputs: Sequence[Path]) -> None:
    """What is there stays as it is until there is something better. Raises SettingsError for one that cannot be
    written, that is an input, or that stands twice."""
    for place, output in enumerate(outputs):
        if any(_same(output, other) for other in inputs):
            raise SettingsError(f"{output} is read, it cannot be written as well", hint="give another file")
        if any(_same(output, other) for other in outputs[:place]):
            raise SettingsError(f"{output}: stands twice", hint="give each answer a file of its own")
        try:
            _try(output)
        except OSError as error:
            raise SettingsError(f"{output}: {error.strerror}", hint="give a file that can be written") from error


def check_names(names: Mapping[Path | None, tuple[str, ...]]) -> None:
    """A file's name says what is in it. Raises SettingsError for one that does not end as it must."""
    for output, endings in names.items():
        if output is not None and output.suffix.lower() not in endings:
            raise SettingsError(f"{output}: the name must end in {' or '.join(endings)}", hint="rename it")


def check_whole(outputs: Sequence[Path]) -> None:
    """The same for files that are written aside and renamed, which would put a device's name out of the world."""
    for output in outputs:
        if output.exists() and not output.is_file():
            raise SettingsError(f"{output}: is no file", hint="give a file that can be written")
        check([output.with_name(f"{output.name}.part")], [])


def _try(output: Path) -> None:
    if output.exists() and not output.is_file() and not output.is_dir():
        return  # a pipe or a device: opening it may wait, or do something
    there = os.path.lexists(output)
    output.open("ab").close()
    if not there:
        output.unlink()


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))
