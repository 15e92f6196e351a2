"""Central as a process: its start, its end, and its sudden death."""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from central.store.sqlite import FILE
from contract import wire
from tests.central.harness import MSGPACK_ZSTD
from tests.central.process import Process, run
from tests.central.records import record
from tests.waiting import wait_until

NEW = "a password of my own"


def sign_in(client: httpx.Client, said: list[str]) -> None:
    """With the one-time password from the console, changed as it must be."""
    [line] = [line for line in said if "one-time password: " in line]
    password = line.split("one-time password: ")[1].split()[0]
    assert client.post("/api/session", json={"name": "admin", "password": password}).json()["must_change_password"]
    answer = client.put("/api/session/password", json={"old": password, "new": NEW})
    assert answer.status_code == 204, answer.text


def test_from_the_first_start_to_the_second(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Process(data) as central:
        with httpx.Client(base_url=central.url, headers={"origin": central.url}) as client:
            sign_in(client, central.said)
            token = run("add-edge", "edge-1", "--data", str(data)).stdout.strip()
            body, edge = wire.encode([record(1)]), {"authorization": f"Bearer {token}"} | MSGPACK_ZSTD
            assert client.post("/api/ingest", content=body, headers=edge).status_code == 200
            with client.stream("GET", "/api/feed") as stream:
                assert next(stream.iter_lines()).startswith("event: hello")
                code, seconds = central.stop()
        assert code == 0
        assert seconds < 3
        password = next(line for line in central.said if "one-time" in line).split(": ")[-1].split()[0]
        assert password not in central.errors()
        assert token not in central.errors()
    kept = b"".join(file.read_bytes() for file in data.iterdir())
    for secret in (password, token, NEW):
        assert secret.encode() not in kept
    with Process(data) as central:
        assert not any("one-time" in line for line in central.said)
        with httpx.Client(base_url=central.url, headers={"origin": central.url}) as client:
            assert client.post("/api/session", json={"name": "admin", "password": NEW}).status_code == 200
            assert len(client.get("/api/events").json()["events"]) == 1
        assert central.stop()[0] == 0


@pytest.mark.parametrize(("when", "outcome"), [("before", "stored"), ("after", "duplicate")])
def test_killed_between_commit_and_answer(
    tmp_path: Path, when: str, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edge gets no answer, sends again, and there is one row."""
    data = tmp_path / "data"
    token = run("add-edge", "edge-1", "--data", str(data)).stdout.strip()
    edge = {"authorization": f"Bearer {token}"} | MSGPACK_ZSTD
    body = wire.encode([record(1), record(2)])
    monkeypatch.setenv("DYING", when)
    with Process(data, module="tests.central.dying") as central:
        with pytest.raises(httpx.TransportError):
            httpx.post(f"{central.url}/api/ingest", content=body, headers=edge)
        assert central.wait() == -signal.SIGKILL
    with Process(data) as central:
        answer = httpx.post(f"{central.url}/api/ingest", content=body, headers=edge)
        told = wire.decode_answer(answer.content).answers
        assert [one.outcome for one in told] == [outcome, outcome]
        central.stop()
    with contextlib.closing(sqlite3.connect(data / FILE)) as db:
        assert db.execute("SELECT count(*) FROM events").fetchone() == (2,)
        assert db.execute("SELECT count(*) FROM records").fetchone() == (2,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_one_central_a_folder(tmp_path: Path) -> None:
    with Process(tmp_path / "data") as central:
        second = run("serve", "--data", str(tmp_path / "data"), "--port", "0")
        assert second.returncode == 1
        assert "another process" in second.stderr
        assert "hint:" in second.stderr
        port = central.url.rpartition(":")[2]
        third = run("serve", "--data", str(tmp_path / "other"), "--port", port)
        assert third.returncode == 1
        assert f"cannot listen on 127.0.0.1, port {port}" in third.stderr


def test_without_file_descriptors_the_log_stays_short_and_central_comes_back(tmp_path: Path) -> None:
    """A peer takes every descriptor with requests that it never ends."""
    with Process(tmp_path / "data") as central, contextlib.ExitStack() as peers:
        resource.prlimit(central.pid, resource.RLIMIT_NOFILE, (64, 64))
        host, port = httpx.URL(central.url).host, httpx.URL(central.url).port
        for _ in range(80):
            peer = peers.enter_context(socket.create_connection((host, port)))
            peer.sendall(b"POST /api/ingest HTTP/1.1\r\nContent-Le")
        wait_until(lambda: "no file descriptors left" in central.errors())
        with pytest.raises(httpx.TimeoutException):
            httpx.get(f"{central.url}/api/health", timeout=2)
        peers.close()
        assert httpx.get(f"{central.url}/api/health", timeout=10).status_code == 200
        assert central.errors().count("no file descriptors left") == 1
        assert len(central.errors()) < 10_000
        assert central.stop()[0] == 0


def test_logs_are_json_without_credentials(tmp_path: Path) -> None:
    with Process(tmp_path / "data") as central:
        for _ in range(2):
            httpx.post(f"{central.url}/api/session", json={"name": "admin", "password": "pa55-never-logged"})
        httpx.post(f"{central.url}/api/ingest", headers={"authorization": "Bearer vde_never-logged"})
        central.stop()
        errors = central.errors()
    lines = [json.loads(line) for line in errors.splitlines()]
    assert [line["event"] for line in lines].count("login refused") == 2
    assert any(line["event"] == "edge refused" for line in lines)
    assert "never-logged" not in errors


def test_tls(tmp_path: Path) -> None:
    cert, key = _certificate(tmp_path)
    with Process(tmp_path / "data", "--tls-cert", str(cert), "--tls-key", str(key)) as central:
        assert central.url.startswith("https://")
        trust = ssl.create_default_context(cafile=str(cert))
        assert httpx.get(f"{central.url}/api/health", verify=trust).json()["status"] == "ok"
        answer = httpx.get(f"{central.url}/api/health", verify=trust)
        assert "strict-transport-security" in answer.headers
        assert central.stop()[0] == 0
    key.write_text("no key")
    broken = run("serve", "--data", str(tmp_path / "data"), "--tls-cert", str(cert), "--tls-key", str(key))
    assert broken.returncode == 1
    assert "the TLS files cannot be used" in broken.stderr


def _certificate(folder: Path) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    cert, key = folder / "cert.pem", folder / "key.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", *request.split(), *names], check=True, capture_output=True)
    return cert, key
