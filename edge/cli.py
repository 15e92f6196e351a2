"""`vedette edge`: run, check, outbox, still, stills, replay."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from contract.errors import ConfigError
from edge import cameras
from edge import credentials as credentials_file
from edge import token as edge_token
from edge.app import Edge
from edge.console import Backend, Device, Models, out, told
from edge.detect.card import load_card
from edge.log import configure as configure_logs
from edge.outbox_cli import app as outbox
from edge.replay_cli import replay_clip
from edge.settings import Settings
from edge.stills_cli import still, stills

app = typer.Typer(help="The box beside the cameras: watches them and reports events to central.", no_args_is_help=True)
app.command()(still)
app.command()(stills)
app.command("replay")(replay_clip)
app.add_typer(outbox, name="outbox")
ENDING = (signal.SIGTERM, signal.SIGINT)
HEALTH_LOG_S = 300
MOST_THREADS = 4  # a batch of looks is seldom more pictures (edge.analysis.MOST_PIXELS)


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
    uplink_bytes: Annotated[
        int, typer.Option(min=0, help="Bytes a second to central at most, for a thin line; 0: no cap.")
    ] = 0,
    health_port: Annotated[int, typer.Option(help="Port for /health and /metrics on 127.0.0.1; 0: any.")] = 0,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Threads of the model, each at a picture of its own.",
            show_default="one a core, 4 at most",
        ),
    ] = None,
    backend: Backend = "openvino",
    device: Device = "auto",
    stills_mib: Annotated[
        int, typer.Option(min=1, help="MiB of disk for pictures of events; the oldest are deleted first.")
    ] = 512,
) -> None:
    """Watch cameras and report their events until stopped (SIGTERM or Ctrl-C).

    Example:

        vedette edge run --configs cameras --central http://127.0.0.1:8440 --data edge-data
    """
    configure_logs()
    with _held_back(ENDING):
        with told():
            files = cameras.read([configs])
            settings = Settings(
                central=central,
                token=edge_token.load(token_file, data),
                data=data,
                models=models,
                threads=threads or min(MOST_THREADS, len(os.sched_getaffinity(0))),
                backend=backend,
                device=device,
                health_port=health_port,
                ca_file=ca_file,
                plain_http=plain_http,
                uplink_bytes=uplink_bytes,
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


@contextmanager
def _held_back(signals: Iterable[signal.Signals]) -> Iterator[None]:
    """Signals to wait for, blocked before any thread is made.

    A handler would need the main thread to be the one that the kernel picks. Afterwards they reach the process as
    before, and so what it starts: blocked signals are inherited.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        while signal.sigtimedwait(signals, 0):
            pass  # asked again while it was ending
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
