"""`vedette edge replay`: the pipeline on a recording, for people who try rules."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from contract import parse
from contract.camera import Camera
from contract.errors import ConfigError
from contract.event import EventRecord
from edge import cameras, outputs
from edge.console import Backend, Device, Models, err, out, told
from edge.detect import backends
from edge.detect.card import load_card
from edge.errors import SettingsError
from edge.explain import ExplainedClip
from edge.replay import Moment, Observer, ReplayStats, replay
from edge.report import Report
from edge.sources.file import FileSource


def replay_clip(
    clip: Annotated[Path, typer.Argument(help="A video file.", exists=True, dir_okay=False)],
    camera: Annotated[Path, typer.Option(help="The camera file whose rules are tried.", exists=True, dir_okay=False)],
    models: Models,
    rate: Annotated[
        Literal["fast", "realtime"], typer.Option(help="As fast as it goes, or in the clip's time.")
    ] = "fast",
    events: Annotated[Path | None, typer.Option(help="Write one JSON record a line here; - for stdout.")] = None,
    stats: Annotated[bool, typer.Option("--stats", help="Show looks, objects and where the time went.")] = False,
    every_record: Annotated[bool, typer.Option("--all", help="Closings too, not only openings.")] = False,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads of the model.")] = 2,
    backend: Backend = "openvino",
    device: Device = "auto",
    whole: Annotated[
        bool, typer.Option("--whole", help="Show the model the whole picture in every look, not only what may matter.")
    ] = False,
    explain: Annotated[
        Path | None, typer.Option(help="Write the clip here (.mp4) with all that was seen and decided drawn into it.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page here (.html): a timeline of every rule, a picture an event.")
    ] = None,
    unblurred: Annotated[
        bool,
        typer.Option(
            "--unblurred", help="Show people in the clip of --explain. Only for a recording that you may look at."
        ),
    ] = False,
    starts_at: Annotated[
        datetime | None,
        typer.Option(help="When the clip began, UTC; rules with a schedule ask for it.", show_default="now"),
    ] = None,
) -> None:
    """Run the very same pipeline on a clip, with the clip's own time as the clock.

    Example:

        vedette edge replay lawn.mp4 --camera camera_configs/school.yaml --explain lawn-why.mp4 --report lawn.html
    """
    began_at = starts_at.replace(tzinfo=UTC) if starts_at else datetime.now(UTC)
    with told():
        if not 1970 < began_at.year < 9999:
            raise SettingsError(f"--starts-at {began_at:%Y-%m-%d}: no recording is of then", hint="give its own day")
        if unblurred and explain is None:
            raise SettingsError(
                "--unblurred is for the clip of --explain alone", hint="give --explain too, or leave it out"
            )
        parsed = parse.camera(camera.read_bytes(), str(camera))
        card = load_card(models / parsed.detect.model / "card.yaml")
        detector = backends.detector(card, backend, threads=threads, device=device)
        if problems := cameras.label_problems(str(camera), parsed, detector.class_names):
            raise ConfigError(problems)
        source = FileSource(clip)
        to_stdout = events is not None and str(events) == "-"
        if to_stdout and sys.stdout is None:
            raise SettingsError("there is no stdout to write events to", hint="give --events a file")
        pages = [file for file in (explain, report) if file is not None]
        outputs.check([*pages, *([events] if events and not to_stdout else [])], [clip, camera])
        outputs.check_whole(pages)
        outputs.check_names({explain: (".mp4",), report: (".html", ".htm")})
    say = err if to_stdout else out
    counted = ReplayStats()
    lines: dict[UUID, list[bytes]] = {}  # by event: its opening first
    began = time.monotonic()
    start_ms = round(began_at.timestamp() * 1000)
    page = Report(parsed, detector.model_id, card.sha256, start_ms) if report else None

    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.fields[length]} s"),
        TimeRemainingColumn(), console=say if say.is_terminal else err, transient=True,
    ) as progress:  # fmt: skip
        length = "?" if source.duration_s is None else f"{source.duration_s:.0f}"  # a bare stream does not say
        task = progress.add_task(clip.name, total=source.duration_s, length=length)

        def pace(at: float) -> None:
            progress.update(task, completed=at)
            if rate == "realtime" and (ahead := began + at - time.monotonic()) > 0:
                threading.Event().wait(ahead)

        with told(), ExitStack() as stack:
            observers: list[Observer] = [page] if page else []
            if explain is not None:
                observers.append(stack.enter_context(ExplainedClip(explain, parsed, hide_people=not unblurred)))
            for clip_s, record in replay(
                source, parsed, detector,
                start_ms=start_ms, stats=counted, pace=pace, observe=_all(observers), whole=whole,
            ):  # fmt: skip
                if record.event_id in lines and not every_record:
                    continue
                line = msgspec.json.encode({**msgspec.to_builtins(record), "clip_s": round(clip_s, 3)})
                lines.setdefault(record.event_id, []).append(line + b"\n")
                if not to_stdout:
                    say.print(_said(clip_s, record), markup=False, soft_wrap=True)
    if source.broken:
        err.print(f"{clip}: {source.broken} packet(s) could not be decoded", markup=False, style="red", soft_wrap=True)
    source.close()
    detector.close()
    if page and report:
        with told():
            page.write(report, clip.name, counted, detector.drops)
    if events is not None:
        with told():
            _write(events, b"".join(line for event in lines.values() for line in event))
    for written in [*pages, *([events] if events and not to_stdout else [])]:
        say.print(f"wrote {written}", markup=False, soft_wrap=True)
    if stats:
        say.print(_stats_table(counted, parsed, len(lines)))


def _said(clip_s: float, record: EventRecord) -> str:
    where = f" in {record.zone}" if record.zone else ""
    return f"{clip_s:8.2f} s  {record.rule} ({record.kind}): {record.label or '-'}{where}"


def _all(observers: list[Observer]) -> Observer:
    def observe(moment: Moment) -> None:
        for each in observers:
            each(moment)

    return observe


def _stats_table(counted: ReplayStats, camera: Camera, events: int) -> Table:
    table = Table(title=f"{camera.id}: {counted.seconds:.1f} s of clip", show_header=False)
    counts = counted.counts
    table.add_row("pictures decoded", f"{counts.pictures} of {counts.packets}")
    table.add_row("looks by the model", f"{counts.looks} ({counts.looks / max(counted.seconds, 0.001):.2f} a second)")
    looks = counted.looks
    table.add_row("of them at the whole picture", str(looks.whole.total()))
    table.add_row("shown to the model", f"{looks.shown / max(looks.looks, 1):.2f} of a picture a look")
    table.add_row("too quiet for a look", str(counts.still))
    table.add_row("objects followed", str(counted.objects))
    table.add_row("events", str(events))
    for part, spent in counted.spent_s.items():
        table.add_row(
            f"time: {part}", f"{spent:.2f} s ({1000 * spent / max(counted.seconds, 0.001):.1f} ms a clip second)"
        )
    return table


def _write(events: Path, text: bytes) -> None:
    """Raises SettingsError; BrokenPipeError where the reader has had enough."""
    try:
        if str(events) == "-":
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
        else:
            events.write_bytes(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SettingsError(f"{events}: {error.strerror}", hint="free space, or give another file") from error
