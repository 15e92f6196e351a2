"""`vedette central`: the commands of the desk's side."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from argon2 import PasswordHasher

from central import control, credentials, log, server
from central.errors import CentralError
from central.settings import LOOPBACK, Settings
from contract.event import Label, Name

app = typer.Typer(
    no_args_is_help=True,
    help="The desk: takes in events of all edges and shows them.",
    epilog="Start: vedette central serve --data ./central-data",
)

Data = Annotated[Path, typer.Option("--data", help="Folder of the store; made if missing.", file_okay=False)]


@app.command(
    epilog="Examples: `serve --data ./central-data`; "
    "`serve --data /var/lib/vedette --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem`; "
    "behind nginx: `serve --data /var/lib/vedette --behind-proxy`"
)
def serve(
    data: Data,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any free port.")] = 8440,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.", exists=True)] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key, PEM.", exists=True)] = None,
    behind_proxy: Annotated[bool, typer.Option("--behind-proxy", help="A proxy in front ends TLS.")] = False,
    proxy: Annotated[list[str] | None, typer.Option(help="Address whose X-Forwarded-* is believed.")] = None,
) -> None:
    """Run central until SIGTERM or Ctrl-C. At the first start it prints a one-time login."""
    log.configure()
    os.umask(0o077)
    server.quiet_end()
    server.raise_file_limit()
    with _Told():
        settings = Settings(
            data=data,
            host=host,
            port=port,
            tls_cert=tls_cert,
            tls_key=tls_key,
            behind_proxy=behind_proxy,
            proxies=tuple(proxy or LOOPBACK),
        )
        asyncio.run(server.serve(settings, typer.echo))


@app.command(epilog="Example: `(umask 077; vedette central add-edge school-7 --data ./central-data > edge-data/token)`")
def add_edge(
    edge_id: Annotated[str, typer.Argument(help="Name of the edge: letters, digits, dot, dash, underscore.")],
    data: Data,
    replace: Annotated[bool, typer.Option("--replace", help="Give a known edge another token.")] = False,
) -> None:
    """Let an edge send events: prints its token, once. Works while central runs.

    The token names the edge; keep it as `token` in the edge's data folder, readable by the edge alone."""
    with _Told():
        name = _checked(edge_id, Name, "an edge's name")
        token = credentials.edge_token(name)
        request = control.AddEdge(name, credentials.token_hash(token), _now(), replace)
        if not data.exists():
            typer.echo(f"note: {data} is new; give central the same folder", err=True)
        if not control.ask(data, request, _now()):
            raise CentralError(f"there is an edge {edge_id}", hint="--replace gives it another token")
    typer.echo(token)


@app.command(epilog="Example: `vedette central add-user wang --data ./central-data`")
def add_user(name: str, data: Data) -> None:
    """Let somebody log in: prints a one-time password, to be changed at the first login within a day."""
    _put_user(name, data, new=True, refusal="there is a user", hint="`reset-password` gives a new password")


@app.command(epilog="Example: `vedette central reset-password admin --data ./central-data`")
def reset_password(name: str, data: Data) -> None:
    """Print a new one-time password for a user and end the user's sessions."""
    _put_user(name, data, new=False, refusal="there is no user", hint="`add-user` makes one")


def _put_user(name: str, data: Path, *, new: bool, refusal: str, hint: str) -> None:
    password = credentials.one_time_password()
    with _Told():
        request = control.PutUser(
            _checked(name, Label, "a user's name"),
            PasswordHasher().hash(password),
            _now() + credentials.ONE_TIME_LIFE,
            new,
        )
        if not control.ask(data, request, _now()):
            raise CentralError(f"{refusal} {name}", hint=hint)
    typer.echo(password)


def _checked(text: str, kind: object, what: str) -> str:
    try:
        return str(msgspec.convert(text, kind))
    except msgspec.ValidationError as error:
        raise CentralError(f"{text!r} is not {what}: {error}") from error


def _now() -> int:
    return time.time_ns() // 1_000_000


class _Told:
    """Errors of ours end the command with a message, a hint and exit code 1."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, CentralError):
            typer.echo(f"error: {error}" + (f"\nhint: {error.hint}" if error.hint else ""), err=True)
            raise typer.Exit(1) from error
