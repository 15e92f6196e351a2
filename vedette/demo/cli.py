"""`vedette demo`."""

from __future__ import annotations

import signal
import socket
import threading
from types import FrameType
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.panel import Panel

from vedette.demo.desk import Desk
from vedette.demo.processes import ProcessFailed
from vedette.demo.run import Demo, running

FIRST_EVENT_S = 60.0
out = Console(highlight=False)


def demo(
    check: Annotated[
        bool, typer.Option("--check", help="Headless: wait for the first event, print when it came, end.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the desk; 0 takes any free one.")] = 8440,
) -> None:
    """Show Vedette on this machine: a virtual camera, an edge and a desk, until Ctrl-C.

    Nothing leaves the machine, and nothing stays behind.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        with running(0 if check or not _is_free(port) else port) as started:
            if check:
                _check(started)
            else:
                _show(started)
    except ProcessFailed as error:
        Console(stderr=True).print(str(error), markup=False)
        raise typer.Exit(1) from error


def _check(started: Demo) -> None:
    desk = Desk(started.address, started.user, started.password)
    try:
        for seen_at, event in desk.feed(FIRST_EVENT_S):
            stored = [each for each in desk.events() if each["event_id"] == event["event_id"]]
            if not stored:
                raise ProcessFailed(f"the feed told of {event['event_id']}, but the store does not have it")
            after = seen_at - started.camera_started
            out.print(f"first event after {after:.1f} s")
            about = " ".join(filter(None, (event["kind"], event["zone"], event["label"])))
            out.print(f"  {event['camera_id']} {event['rule']}: {about}", markup=False)
            out.print(f"  picture to feed: {1000 * seen_at - event['opened_at']:.0f} ms")
            return
    except httpx.HTTPError as error:
        raise ProcessFailed(f"no event within {FIRST_EVENT_S:.0f} s ({error!r}):\n{started.edge.tail()}") from error
    finally:
        desk.close()
    raise ProcessFailed(f"the feed ended without an event:\n{started.edge.tail()}")


def _show(started: Demo) -> None:
    out.print(
        Panel(
            f"Desk       [bold]{started.address}[/bold]\n"
            f"User       [bold]{started.user}[/bold]\n"
            f"Password   [bold]{started.password}[/bold]   (one login, then you choose your own)\n\n"
            f"Edge       {started.health}\n\n"
            "The clip is half a minute long: each time, two people walk onto the lawn;\n"
            "the first event comes within 15 s.\n"
            "Ctrl-C ends the demo; nothing stays behind.",
            title="Vedette demo",
            expand=False,
        )
    )
    while (dead := started.children.first_dead()) is None:
        threading.Event().wait(1.0)
    raise ProcessFailed(f"{dead.name} ended:\n{dead.tail()}")


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the desk itself listens
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
