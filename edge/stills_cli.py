"""`vedette edge still` and `stills`: the pictures of events, for people. The edge may be running."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import cv2
import numpy as np
import typer

from edge import outputs, shelf, why
from edge.console import out, told
from edge.errors import SettingsError

Data = Annotated[Path, typer.Option(help="The edge's data folder.", exists=True, file_okay=False)]


def still(
    event_id: Annotated[UUID, typer.Argument(help="The event, as `vedette edge stills` or the desk name it.")],
    data: Data,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="The picture to write, .jpg or .png.", show_default="EVENT_ID.jpg here")
    ] = None,
) -> None:
    """Draw an event's picture with the zone or line, the object and its path. What is kept stays undrawn.

    Example:

        vedette edge still 019a8f3e-7c1d-7b52-9f0a-3d2c1b0a9f8e --data /var/lib/vedette --out why.jpg
    """
    target = out_file or Path(f"{event_id}.jpg")
    with told():
        outputs.check_names({target: (".jpg", ".jpeg", ".png")})
        try:
            found = shelf.read(data / "stills", event_id)
            image = None if found is None else cv2.imdecode(np.frombuffer(found[0], np.uint8), cv2.IMREAD_COLOR)
            if found is None or image is None:
                raise SettingsError(
                    f"{data}: no picture of event {event_id}",
                    hint="deleted after the camera's still.days, or never kept; see `vedette edge stills`",
                )
            facts = found[1]
            picture = np.asarray(image, np.uint8)
            why.draw(picture, facts)
            target.write_bytes(cv2.imencode(target.suffix, picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
        except OSError as error:
            raise SettingsError(
                f"{error.filename or target}: {error.strerror}", hint="check the path and its rights"
            ) from error
    words = why.said(facts.rule, facts.kind, facts.label, facts.track, facts.count, facts.zone)
    out.print(f"{target}: {facts.camera_id}, {_time(facts)}, {words}", markup=False, soft_wrap=True)


def stills(data: Data) -> None:
    """List the pictures of events, oldest first: time (UTC), event, camera, rule, kind, kB.

    Example:

        vedette edge stills --data /var/lib/vedette
    """
    with told():
        try:
            found = sorted(shelf.listed(data / "stills"), key=lambda pair: pair[0].opened_at)
        except FileNotFoundError:
            if not (data / "outbox.db").exists():
                raise SettingsError(f"{data}: no edge has run here", hint="give the one of edge run") from None
            found = []
        except OSError as error:
            raise SettingsError(f"{error.filename}: {error.strerror}", hint="check the folder's rights") from error
    for facts, size in found:
        line = f"{_time(facts)}  {facts.event_id}  {facts.camera_id}  {facts.rule}  {facts.kind}  {size / 1000:.0f} kB"
        out.print(line, markup=False, soft_wrap=True)
    total = sum(size for _, size in found)
    out.print(f"{len(found)} picture(s), {total / (1 << 20):.1f} MiB", soft_wrap=True)


def _time(facts: why.Why) -> str:
    return f"{datetime.fromtimestamp(facts.opened_at / 1000, UTC):%Y-%m-%d %H:%M:%S}"
