"""docs/central.md knows every command, option, setting and table."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from pathlib import Path

import typer.main

from central.cli import app
from central.settings import Settings
from tests.central.harness import Harness

DOCS = (Path(__file__).parents[2] / "docs" / "central.md").read_text()


def test_commands_and_options() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(commands) == {"serve", "add-edge", "add-user", "reset-password"}
    for name, command in commands.items():
        assert f"`{name}" in DOCS, name
        for option in (option for param in command.params for option in param.opts if option.startswith("--")):
            assert option == "--help" or f"`{option}`" in DOCS, (name, option)


def test_settings() -> None:
    for field in fields(Settings):
        option = f"`--{field.name.replace('_', '-')}`"
        assert option in DOCS or f"`{field.name}`" in DOCS or field.name == "proxies", field.name
    assert f"`{Settings(data=Path()).port}`" in DOCS


async def _tables(harness: Harness) -> set[str]:
    sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return {row[0] for row in await harness.store._read(lambda db: db.execute(sql).fetchall())}


def test_tables(harness: Harness) -> None:
    for table in asyncio.run(_tables(harness)):
        assert f"`{table}`" in DOCS, table
