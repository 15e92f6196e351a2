from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from central.cli import app
from tests.central.process import Process, run


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_help_teaches_with_examples() -> None:
    assert "vedette central serve --data" in call("--help").output
    for command in ("serve", "add-edge", "add-user", "reset-password"):
        told = call(command, "--help").output
        assert "Example" in told, command
        assert "--data" in told, command


def test_add_edge_prints_a_token_once(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    token = call("add-edge", "edge-1", *data).output.strip()
    assert token.startswith("vde_")
    assert len(token) >= 40
    again = call("add-edge", "edge-1", *data)
    assert again.exit_code == 1
    assert "--replace" in again.output
    other = call("add-edge", "edge-1", "--replace", *data).output.strip()
    assert other.startswith("vde_")
    assert other != token


@pytest.mark.parametrize("name", ["", "a b", "-x/..", "x" * 65, "边缘"], ids=repr)
def test_names_that_no_edge_has(tmp_path: Path, name: str) -> None:
    refused = call("add-edge", "--data", str(tmp_path), "--", name)
    assert refused.exit_code == 1
    assert "is not an edge's name" in refused.output


def test_users(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    assert call("reset-password", "王", *data).exit_code == 1
    first = call("add-user", "王", *data)
    assert first.exit_code == 0
    assert call("add-user", "王", *data).exit_code == 1
    assert call("reset-password", "王", *data).output != first.output


def test_commands_work_while_central_runs(tmp_path: Path) -> None:
    data = tmp_path / "with a name as long as folders get" / ("deep" * 40)
    data.mkdir(parents=True)
    with Process(data) as central:
        assert run("add-edge", "edge-1", "--data", str(data)).stdout.startswith("vde_")
        assert "there is an edge" in run("add-edge", "edge-1", "--data", str(data)).stderr
        password = run("reset-password", "admin", "--data", str(data)).stdout.strip()
        assert central.said[0].startswith("first login: admin")
        assert password not in central.said[0]
        assert central.stop()[0] == 0
    assert not (data / "central.sock").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--host", "0.0.0.0"), "would send passwords and tokens in clear"),
        (("--port", "70000"), "there is no port 70000"),
    ],
)
def test_serve_refuses_to_start(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = run("serve", "--data", str(tmp_path), *arguments)
    assert refused.returncode == 1
    assert message in refused.stderr
    assert "hint:" in refused.stderr
