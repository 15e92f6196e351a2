"""What `vedette camera streams` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
    cameras: dict[str, list[Stream]] = {}
    for stream in offer.streams:
        cameras.setdefault(stream.profile.camera, []).append(stream)
    yield from _table(cameras)
    ahead_s = offer.clock_ahead_s or 0.0
    if abs(ahead_s) > CLOCK_OFF_S:
        yield f"\nIts clock is {abs(ahead_s):.0f} s {'fast' if ahead_s > 0 else 'slow'}."
    recorder = len(cameras) > 1
    yield "\nA recorder. For a camera file, one of:" if recorder else "\nFor a camera file:"
    login = f", credentials: {source.credentials}" if source.credentials else ""
    for name in cameras:
        which = f", camera: {json.dumps(name, ensure_ascii=False)}" if recorder else ""  # YAML reads JSON's texts
        yield f'source: {{kind: onvif, url: "{source.url}"{which}{login}}}'


def _table(cameras: Mapping[str, Sequence[Stream]]) -> Iterator[str]:
    rows = [("camera", "", "profile", "codec", "size", "address")]
    for name, streams in cameras.items():
        profiles = [stream.profile for stream in streams]
        sub, main = choose(profiles, "sub"), choose(profiles, "main")
        for place, (profile, stream) in enumerate(zip(profiles, streams, strict=True)):
            mark = ", ".join(word for word, taken in (("sub", sub), ("main", main)) if profile is taken)
            size = f"{profile.width}x{profile.height}"
            address = redact.text(stream.url) if stream.url else f"refused: {stream.refused}"
            rows.append(("" if place else name, mark, profile.name, profile.codec, size, address))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
