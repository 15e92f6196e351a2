"""What the front pages and documents show can be done: commands, options, links, rules."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import cast

import click
import pytest
import typer.main

from contract.rules import LABEL_GROUPS, RULES
from edge.detect.card import load_card
from edge.detect.shipped import models_dir
from vedette.__main__ import make_app

ROOT = Path(__file__).parents[1]
FRONT = [ROOT / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES = [*FRONT, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "models").glob("*/README.md"))]

BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)

page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


def blocks(path: Path) -> list[str]:
    return re.findall(BLOCK, path.read_text(encoding="utf-8"))


def shown(path: Path) -> list[str]:
    """Every `vedette ...` on a page, in a block or in a line."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    in_lines = re.findall(r"`([^`\n]+)`", re.sub(BLOCK, "", text))
    in_blocks = [line for block in re.findall(BLOCK, text) for line in block.splitlines()]
    found = []
    for line in [*in_blocks, *in_lines]:
        if match := re.search(r"(?:^|[(;])\s*vedette (?=[a-z])([^#;>|)]*)", line):
            found.append(match[1])
    return found


@cache
def commands() -> dict[str, click.Command]:
    """Of the whole command line, by their words: `edge run`."""

    def walk(command: click.Command, words: tuple[str, ...]) -> dict[str, click.Command]:
        below = getattr(command, "commands", None)
        if below is None:
            return {" ".join(words): command}
        return {name: each for word, sub in below.items() for name, each in walk(sub, (*words, word)).items()}

    return walk(cast(click.Command, typer.main.get_command(make_app())), ())


def command_of(words: list[str]) -> str | None:
    return next((name for name in (" ".join(words[:n]) for n in (3, 2, 1)) if name in commands()), None)


@page
def test_commands_that_are_shown_exist(path: Path) -> None:
    for line in shown(path):
        words = shlex.split(line.replace("[", " ").replace("]", " "))
        name = command_of(words)
        assert name, f"vedette {line}: no such command"
        known = {option for param in commands()[name].params for option in param.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known | {"--help"}, line


def test_every_command_is_told_of() -> None:
    told = {command_of(shlex.split(line.replace("[", " "))) for path in PAGES for line in shown(path)}
    assert set(commands()) - told == set()


@page
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
        file = path.parent / target if target else path
        assert file.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, anchor


def test_the_index_lists_every_document() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs").glob("*.md"):
        assert path.name == "README.md" or f"({path.name})" in index, path.name


def test_both_readmes_have_the_same_shape() -> None:
    english, chinese = FRONT[:2]
    assert blocks(english) == blocks(chinese)
    for what in (r"^#+ ", r"^\|", r"^\*\*\d\.", r"\]\((?!README)[^)]*\.md"):
        counts = [len(re.findall(what, path.read_text(encoding="utf-8"), re.MULTILINE)) for path in (english, chinese)]
        assert counts[0] == counts[1], what


def sections() -> dict[str, str]:
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("kind", RULES)
def test_every_rule_and_key_is_explained(kind: str) -> None:
    common = sections()["Keys of every rule"]
    for key, field in RULES[kind].model_fields.items():
        rows = re.findall(rf"^\| `{key}` \|([^|]*)\|", sections()[kind] + common, re.MULTILINE)
        assert rows, f"{kind}.{key}"
        if isinstance(field.default, (float, int)):
            assert rows[0].strip() == str(field.default), f"{kind}.{key}"


def test_every_group_and_label_is_named() -> None:
    text = " ".join(sections()["Labels and groups"].split())
    for group, labels in LABEL_GROUPS.items():
        row = re.search(rf"\| `{group}` \| ([a-z, ]+)", text)
        assert row is not None
        assert set(row[1].strip().split(", ")) == labels
    listed = re.search(r"The labels: (.+?)\. ", text)
    assert listed is not None
    assert listed[1].split(", ") == list(load_card(models_dir() / "yolov8n" / "card.yaml").classes)
