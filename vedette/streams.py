"""What `vedette camera streams` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import typer
from pydantic import ValidationError

from contract import redact
from contract.camera import Source
from edge import credentials
from edge.clock import SystemClock
from edge.console import out, told
from edge.credentials import Credentials
from edge.errors import SettingsError
from edge.sources.onvif import Stream, Survey, choose, survey

CLOCK_OFF_S = 60.0  # from here on it is told


def show(address: str, file: Path | None, name: str | None) -> None:
    """Ask the camera and print what it offers. Raises typer.BadParameter, typer.Exit."""
    try:
        source = Source(kind="onvif", url=address, credentials=name)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        what = {"url": "ADDRESS", "credentials": "--name"}[str(wrong["loc"][0])]
        raise typer.BadParameter(wrong["msg"].removeprefix("Value error, "), param_hint=what) from None
    with told():
        offer = survey(source, _login(file, name), SystemClock())
    for line in _text(source, offer):
        out.print(line, markup=False, soft_wrap=True)


def _login(file: Path | None, name: str | None) -> Credentials | None:
    if file is None or name is None:
        if file or name:
            raise typer.BadParameter("goes together with the other", param_hint="--credentials-file, --name")
        return None
    known = credentials.load(file)
    if name not in known:
        raise SettingsError(f"{file}: nobody is named {name}", hint=f"there are: {', '.join(known)}")
    return known[name]


def _text(source: Source, offer: Survey) -> Iterator[str]:
    sensors: dict[str, list[Stream]] = {}
    for stream in offer.streams:
        sensors.setdefault(stream.profile.sensor, []).append(stream)
    taken = {word: [_taken(group, word) for group in sensors.values()] for word in ("sub", "main")}
    yield from _table(offer.streams, taken)
    if abs(offer.clock_ahead_s) > CLOCK_OFF_S:
        yield f"\nIts clock is {abs(offer.clock_ahead_s):.0f} s {'fast' if offer.clock_ahead_s > 0 else 'slow'}."
    yield "\nFor a camera file:" if len(sensors) == 1 else "\nA recorder. For a camera file, one of:"
    login = f", credentials: {source.credentials}" if source.credentials else ""
    if len(sensors) == 1:
        yield f'source: {{kind: onvif, url: "{source.url}"{login}}}'
        return
    for sub in taken["sub"]:
        yield f'source: {{url: "{redact.text(sub.url)}"{login}}}  # {sub.profile.sensor}'


def _taken(group: Sequence[Stream], choice: str) -> Stream:
    profile = choose([stream.profile for stream in group], "sub" if choice == "sub" else "main")
    return next(stream for stream in group if stream.profile is profile)


def _table(streams: Sequence[Stream], taken: dict[str, list[Stream]]) -> Iterator[str]:
    rows = [("", "profile", "codec", "size", "camera", "address")]
    for stream in streams:
        mark = ", ".join(word for word, those in taken.items() if any(stream is each for each in those))
        profile = stream.profile
        size = f"{profile.width}x{profile.height}"
        rows.append((mark, profile.name, profile.codec, size, profile.sensor, redact.text(stream.url)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
