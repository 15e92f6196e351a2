"""`vedette edge outbox status`, `check`, `retry`, `salvage`: what the edge keeps until central has it, for people."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from contract.event import EventRecord
from edge import token as edge_token
from edge.clock import SystemClock
from edge.console import err, out, told
from edge.errors import OutboxError, OutboxInUse, SettingsError
from edge.outbox import Outbox, aside
from edge.outbox import check as outbox_check
from edge.outbox.retry import LARGEST, Request, leave
from edge.outbox.salvage import bring_back
from edge.outbox.salvage import salvage as salvage_all

app = typer.Typer(help="What the edge keeps until central has it.", no_args_is_help=True)

SHOWN = 20  # parked records that `status` lists
TAKEN_UP_S = 10.0  # for which `retry` waits for a running edge

Data = Annotated[Path, typer.Argument(help="The edge's data folder.", exists=True, file_okay=False)]


class Told(Protocol):
    def __call__(self, done: int, /) -> None: ...


@app.command()
def status(data: Data) -> None:
    """One short look: what waits for central, what is parked, which damaged files lie aside. The edge may be running.

    Example:

        vedette edge outbox status /var/lib/vedette
    """
    path = data / "outbox.db"
    with told():
        waiting, newer = aside.damaged(path), aside.newer(path)
        for found in waiting:
            what = "holds records of a newer version, start that one again" if found in newer else "to be salvaged"
            out.print(f"damaged, {what}: {found.file.name}, {found.size} bytes", soft_wrap=True)
        for found in aside.salvaged(path):
            out.print(f"salvaged, kept to look at: {found.file.name}, {found.size} bytes", soft_wrap=True)
        look = outbox_check.look(path)
        for epoch, seq, code, reason in outbox_check.parked(path, SHOWN):
            out.print(f"parked: epoch {epoch}, number {seq}: {code}, {reason}", markup=False, soft_wrap=True)
        if look.parked > SHOWN:
            out.print(f"parked: {look.parked - SHOWN} more")
    out.print(f"edge {look.edge_id}, pending {look.pending}, parked {look.parked}, damaged files {len(waiting)}")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Data folder, or a file that was put aside.")],
) -> None:
    """Look at all of an outbox without changing it; exit status 1 where it is damaged. The edge may be running.

    Example:

        vedette edge outbox check /var/lib/vedette
    """
    with told():
        report = outbox_check.check(file / "outbox.db" if file.is_dir() else file)
    out.print(f"edge {report.edge_id or '-'}, epoch {report.epoch}, last number {report.last_seq}")
    for epoch, (count, low, high) in sorted(report.readable.items()):
        out.print(f"pending: {count} of epoch {epoch}, numbers {low} to {high}")
    for code, count in sorted(report.parked.items()):
        out.print(f"parked: {count} ({code})")
    if not (report.readable or report.parked or report.faults):
        out.print("sound, and nothing waits")
    for fault in report.faults:
        err.print(fault, markup=False, style="red", soft_wrap=True)
    if report.faults:
        raise typer.Exit(1)


@app.command()
def retry(
    data: Data,
    epoch: Annotated[int | None, typer.Option(min=0, max=LARGEST, help="Of the record, as `status` shows it.")] = None,
    seq: Annotated[int | None, typer.Option(min=0, max=LARGEST, help="Its number.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are parked.")] = False,
) -> None:
    """Send parked records again, e.g. once central was brought up to date. The edge may be running.

    Run it as the user the edge runs as. Example:

        vedette edge outbox retry /var/lib/vedette --all
    """
    path = data / "outbox.db"
    with told():
        one = epoch is not None and seq is not None
        if one == every or (epoch is None) != (seq is None):
            raise SettingsError("which records?", hint="give --epoch and --seq as `status` shows them, or --all")
        request = Request(epoch, seq)
        outbox_check.look(path)
        edge_id = _edge_id(data)
        clock = SystemClock()
        try:
            with Outbox(path, edge_id, now_ms=lambda: clock.utc_ms(clock.now())) as outbox:
                again = outbox.retry(request)
        except OutboxInUse:
            _ask(path, request)
            return
    out.print(f"{again} records will be sent when the edge starts; parked: {outbox_check.look(path).parked}")


def _ask(path: Path, request: Request) -> None:
    """Of the edge that runs. Raises OutboxError."""
    try:
        file = leave(path, request)
    except OSError as error:
        raise OutboxError(f"{path.parent}: {error.strerror}", hint="run it as the edge's user") from error
    clock = SystemClock()
    until = clock.now() + TAKEN_UP_S
    while file.exists() and clock.now() < until:
        threading.Event().wait(0.05)
    if file.exists():
        out.print("the running edge has not taken it up yet; it does when it next turns to central, within two minutes")
    else:
        out.print("the running edge has taken it up; `vedette edge outbox status` shows what is still parked")


@app.command()
def salvage(
    data: Data,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come back. Changes nothing.")] = False,
) -> None:
    """Bring the records of damaged files back, so that they are sent. For a stopped edge: a running one does it itself.

    Run it as the user the edge runs as. Example:

        vedette edge outbox salvage /var/lib/vedette --dry-run
    """
    path = data / "outbox.db"
    with told():
        edge_id = _edge_id(data)
        try:
            if dry_run:
                _foresee(path, edge_id)
            else:
                _salvage(path, edge_id)
        except OSError as error:
            raise OutboxError(
                f"{error.filename or data}: {error.strerror}", hint="check the disk, the folder and its rights"
            ) from error


def _salvage(path: Path, edge_id: str) -> None:
    clock = SystemClock()
    try:
        outbox = Outbox(path, edge_id, now_ms=lambda: clock.utc_ms(clock.now()))
    except OutboxInUse as error:
        hint = "a running edge salvages by itself; `vedette edge outbox status` shows what it has left to do"
        raise OutboxInUse(str(error), hint=hint) from error
    with outbox, _bar(path) as progress:
        done = salvage_all(outbox, told=progress)
    epochs = ", ".join(map(str, sorted(done.epochs)))
    if done.newer:
        out.print(f"{done.newer} file(s) hold records of a newer version as well: start that one again", soft_wrap=True)
    out.print(
        f"{done.records} records brought back from {done.files} file(s)" + (f", of epoch {epochs}" if epochs else "")
    )


def _foresee(path: Path, edge_id: str) -> None:
    found: Counter[int] = Counter()

    def count(records: list[EventRecord]) -> None:
        found.update(record.epoch for record in records)

    files = aside.damaged(path)
    with _bar(path) as progress:
        before = 0
        for file in files:
            for done in bring_back(file, edge_id, count):
                progress(before + done)
            before += file.size
    for epoch, records in sorted(found.items()):
        out.print(f"would come back: {records} of epoch {epoch}")
    out.print(f"{found.total()} records in {len(files)} damaged file(s); nothing was changed")


@contextmanager
def _bar(path: Path) -> Iterator[Told]:
    total = sum(each.size for each in aside.damaged(path))
    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=err, transient=True, disable=not err.is_terminal,
    ) as progress:  # fmt: skip
        task = progress.add_task("reading", total=total)
        yield lambda done: progress.update(task, completed=done)


def _edge_id(data: Path) -> str:
    """As its outbox has it; where that is damaged too, as its token has it."""
    try:
        return outbox_check.look(data / "outbox.db").edge_id
    except OutboxError as error:
        try:
            return edge_token.load(None, data).edge_id
        except SettingsError as none:
            raise OutboxError(
                f"{data}: neither its outbox nor a token tells which edge's it is ({error})",
                hint=f"start the edge, it salvages by itself; or put its token into {data / 'token'}",
            ) from none
