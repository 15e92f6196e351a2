"""`vedette camera serve`: clips as cameras over RTSP, with faults on demand, until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

from vedette.virtual_camera.auth import Auth, Scheme
from vedette.virtual_camera.errors import VirtualCameraError
from vedette.virtual_camera.faults import Planned, parse_plan
from vedette.virtual_camera.onvif_server import OnvifServer
from vedette.virtual_camera.server import Server, load_mounts
from vedette.virtual_camera.stream import Mount


def serve(
    clips: Annotated[
        list[Path],
        typer.Argument(metavar="CLIP", help="Video files with H.264 or H.265; each loops."),
    ],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")] = 8554,
    mount: Annotated[
        list[str] | None,
        typer.Option(
            help="Name in the URL, once a clip, in their order; CAMERA/STREAM for ONVIF. Default: the file's name."
        ),
    ] = None,
    copies: Annotated[int, typer.Option(min=0, help="Serve N cameras, cam-001 to cam-N, with the clips in turn.")] = 0,
    start: Annotated[
        Literal["serve", "first-play"],
        typer.Option(help="When a clip begins: at once, or when its first viewer plays it."),
    ] = "serve",
    offset: Annotated[float, typer.Option(min=0, help="Begin this many seconds into the clip.")] = 0.0,
    join: Annotated[
        Literal["now", "key-frame"],
        typer.Option(help="A new viewer gets what was sent since the last key frame, or waits for the next."),
    ] = "now",
    auth: Annotated[Scheme | None, typer.Option(help="Default: digest where a user is given, else none.")] = None,
    user: Annotated[str, typer.Option(help="User that clients must name.")] = "",
    password_file: Annotated[
        Path | None, typer.Option(help="File whose first line is the password (never given as an argument).")
    ] = None,
    onvif_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Answer as an ONVIF device there, too; 0 takes a free port.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[MOUNT/]NAME[=VALUE]@SECONDS[:DURATION]",
            help="A fault, SECONDS after listening began; may be repeated. Names: freeze[=reports], garbage=SEED, "
            "noise=SEED, kick[=reset], mute, refuse, 401, 404, 503, loss=EVERY_NTH, clock-skew=SECONDS, "
            "resolution=CLIP.",
        ),
    ] = None,
) -> None:
    """Serve clips as RTSP cameras, packets as they are; prints one URL a camera, ends on Ctrl-C.

    Examples:

        vedette camera serve gate.mp4

        vedette camera serve gate.mp4 yard.mp4 --copies 16 --port 0

        vedette camera serve gate.mp4 --user desk --password-file secret --fault freeze@20:5 --fault kick@40
    """
    try:
        names = mount or []
        if len(names) > len(clips) or (names and copies):
            raise typer.BadParameter("at most one a clip, and none with --copies", param_hint="--mount")
        pairs = list(zip(clips, [*names, *(clip.stem for clip in clips[len(names) :])], strict=True))
        if copies:
            pairs = [(clips[i % len(clips)], f"cam-{i + 1:03d}") for i in range(copies)]
        mounts = [Mount(name, clip, start, offset, join) for clip, name in pairs]
        plans = [parse_plan(text) for text in fault or []]
        server = Server(load_mounts(mounts), auth=_auth(auth, user, password_file), host=host, port=port)
        asyncio.run(_serve(server, plans, onvif_port))
    except VirtualCameraError as error:
        typer.echo(f"error: {error}" + (f"\n  hint: {error.hint}" if error.hint else ""), err=True)
        raise typer.Exit(1) from error


def _auth(scheme: Scheme | None, user: str, password_file: Path | None) -> Auth:
    scheme = scheme or ("digest" if user else "none")
    if scheme == "none":
        if user or password_file:
            raise typer.BadParameter("none, but a user or a password file is given", param_hint="--auth")
        return Auth()
    if not user or password_file is None:
        raise typer.BadParameter("needs --user and --password-file", param_hint="--auth")
    try:
        password = (password_file.read_text(encoding="utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot be read: {error}", param_hint="--password-file") from error
    if not password:
        raise typer.BadParameter("its first line is empty", param_hint="--password-file")
    return Auth(scheme, user, password)


async def _serve(server: Server, plans: list[Planned], onvif_port: int | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    onvif = None if onvif_port is None else OnvifServer(server, onvif_port)
    async with server, onvif or contextlib.nullcontext():
        for planned in plans:
            server.plan(planned)
        for name in server.streams:
            typer.echo(server.url(name))
        if onvif:
            typer.echo(f"{onvif.address}/onvif/device_service")
        await stop.wait()
