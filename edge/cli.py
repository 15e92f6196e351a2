"""`vedette edge`: run, check, outbox, still, stills, replay."""

from __future__ import annotations

import signal
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
from edge import cameras, outputs
from edge import credentials as credentials_file
from edge import token as edge_token
from edge.app import Edge
from edge.console import err, out, told
from edge.detect.card import load_card
from edge.detect.openvino import OpenVinoDetector
from edge.detect.shipped import models_dir
from edge.errors import SettingsError
from edge.explain import ExplainedClip
from edge.log import configure as configure_logs
from edge.outbox import check as outbox_check
from edge.replay import Moment, Observer, ReplayStats, replay
from edge.report import Report
from edge.settings import Settings
from edge.sources.file import FileSource
from edge.stills_cli import still, stills

app = typer.Typer(help="The box beside the cameras: watches them and reports events to central.", no_args_is_help=True)
app.command()(still)
app.command()(stills)
ENDING = (signal.SIGTERM, signal.SIGINT)
HEALTH_LOG_S = 300


Models = Annotated[
    Path,
    typer.Option(
        help="Folder of models.", envvar="VEDETTE_MODELS", default_factory=models_dir, show_default="Vedette's own"
    ),
]


@app.command()
def run(
    configs: Annotated[Path, typer.Option(help="Folder of camera files (*.yaml, *.yml), or one file.", exists=True)],
    central: Annotated[str, typer.Option(help="Central's address, e.g. https://desk.example.org")],
    data: Annotated[Path, typer.Option(help="Folder for what must survive: the outbox; and for pictures of events.")],
    models: Models,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the token of `vedette central add-edge`, which names this edge. Else VEDETTE_EDGE_TOKEN.",
            show_default="token in the data folder",
        ),
    ] = None,
    credentials: Annotated[Path | None, typer.Option(help="YAML file with the cameras' users and passwords.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="PEM file of the authority that signed central.")] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Let the token and the events cross a network without TLS.")
    ] = False,
    health_port: Annotated[int, typer.Option(help="Port for /health and /metrics on 127.0.0.1; 0: any.")] = 0,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads of the model.")] = 1,
    backend: Annotated[
        Literal["openvino", "onnx"], typer.Option(help="What runs the model; onnx needs the extra [onnx].")
    ] = "openvino",
    stills_mib: Annotated[
        int, typer.Option(min=1, help="MiB of disk for pictures of events; the oldest are deleted first.")
    ] = 512,
) -> None:
    """Watch cameras and report their events until stopped (SIGTERM or Ctrl-C).

    Example:

        vedette edge run --configs cameras --central http://127.0.0.1:8440 --data edge-data
    """
    configure_logs()
    # Blocked before any thread is made, and waited for below: a handler would need the main thread to be the one
    # that the kernel picks for the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    with told():
        files = cameras.read([configs])
        settings = Settings(
            central=central,
            token=edge_token.load(token_file, data),
            data=data,
            models=models,
            threads=threads,
            backend=backend,
            health_port=health_port,
            ca_file=ca_file,
            plain_http=plain_http,
            stills_mib=stills_mib,
            credentials=credentials_file.load(credentials) if credentials else {},
        )
        edge = Edge(settings, files)
    edge.start()
    name = settings.token.edge_id
    out.print(f"edge {name} watches {edge.cameras} camera(s); health: http://127.0.0.1:{edge.health_port}/health")
    while signal.sigtimedwait(ENDING, HEALTH_LOG_S) is None:
        edge.log_health()
    edge.close()


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Camera files or folders of them.")], models: Models
) -> None:
    """Validate camera files: touches no camera, loads no model.

    Example:

        vedette edge check camera_configs/
    """
    with told():
        found = cameras.read(files)
        problems = list(found.problems)
        for file, camera in found.cameras.items():
            card = load_card(models / camera.detect.model / "card.yaml")
            problems += cameras.label_problems(file, camera, card.classes)
        if problems:
            raise ConfigError(problems)
    for camera in found.cameras.values():
        rules = ", ".join(f"{name} ({rule.kind})" for name, rule in camera.rules.items()) or "no rules"
        out.print(f"ok  {camera.id}: {rules}", soft_wrap=True)


@app.command("outbox")
def check_outbox(
    file: Annotated[Path, typer.Argument(help="outbox.db of a data folder, or a file that was put aside.")],
) -> None:
    """Look at an outbox without changing it; exit status 1 where it is damaged. The edge may be running.

    Example:

        vedette edge outbox /var/lib/vedette/outbox.db
    """
    with told():
        report = outbox_check.check(file)
    out.print(f"edge {report.edge_id or '-'}, epoch {report.epoch}, last number {report.last_seq}")
    for epoch, (count, low, high) in sorted(report.readable.items()):
        out.print(f"pending: {count} of epoch {epoch}, numbers {low} to {high}")
    for code, count in sorted(report.parked.items()):
        out.print(f"parked: {count} ({code})")
    for fault in report.faults:
        err.print(fault, markup=False, style="red", soft_wrap=True)
    if report.faults:
        raise typer.Exit(1)


@app.command("replay")
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
        detector = OpenVinoDetector(load_card(models / parsed.detect.model / "card.yaml"), threads=threads)
        if problems := cameras.label_problems(str(camera), parsed, detector.class_names):
            raise ConfigError(problems)
        source = FileSource(clip)
        to_stdout = events is not None and str(events) == "-"
        if to_stdout and sys.stdout is None:
            raise SettingsError("there is no stdout to write events to", hint="give --events a file")
        pages = [file for file in (explain, report) if file is not None]
        outputs.check([*pages, *([events] if events and not to_stdout else [])], [clip, camera])
        outputs.check_whole(pages)
    counted = ReplayStats()
    lines: dict[UUID, list[bytes]] = {}  # by event: its opening first
    began = time.monotonic()
    start_ms = round(began_at.timestamp() * 1000)
    page = Report(parsed, detector.class_names, detector.model_id, start_ms) if report else None

    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.fields[length]} s"),
        TimeRemainingColumn(), console=err, transient=True,
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
                observers.append(
                    stack.enter_context(ExplainedClip(explain, parsed, detector.class_names, hide_people=not unblurred))
                )
            for clip_s, record in replay(
                source, parsed, detector, start_ms=start_ms, stats=counted, pace=pace, observe=_all(observers)
            ):
                if record.event_id in lines and not every_record:
                    continue
                line = msgspec.json.encode({**msgspec.to_builtins(record), "clip_s": round(clip_s, 3)})
                lines.setdefault(record.event_id, []).append(line + b"\n")
                if not to_stdout:
                    where = f" in {record.zone}" if record.zone else ""
                    progress.console.print(
                        f"{clip_s:8.2f} s  {record.rule} ({record.kind}): {record.label or '-'}{where}"
                    )
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
    if stats:
        err.print(_stats_table(counted, parsed, len(lines)))


def _all(observers: list[Observer]) -> Observer:
    def observe(moment: Moment) -> None:
        for each in observers:
            each(moment)

    return observe


def _stats_table(counted: ReplayStats, camera: Camera, events: int) -> Table:
    table = Table(title=f"{camera.id}: {counted.seconds:.1f} s of clip", show_header=False)
    counts = counted.counts
    table.add_row("pictures decoded", str(counts.pictures))
    table.add_row("looks by the model", f"{counts.looks} ({counts.looks / max(counted.seconds, 0.001):.2f} a second)")
    table.add_row("too quiet for a look", str(counts.asleep))
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
