"""The catalogues are complete, all of them is used, and no text stands anywhere else."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
import yaml

from central import kinds
from central.web import texts

WEB = Path(texts.__file__).parent
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
MODULES = sorted((WEB / "static").glob("*.js"))
CARD = Path(__file__).parents[3] / "models" / "yolov8n" / "card.yaml"

PARTS = {  # keys that are put together at run time, and all that may stand at their end
    "page": {"login", "password", "feed"},
    "connection": {"connecting", "live", "stale", "out"},
    "list.new": {"one", "other"},
    "list.below": {"one", "other"},
    "list.info": {"one", "other"},
    "list.new.alarm": {"one", "other"},
    "about.storm": {"one", "other"},
    "gaps.more": {"one", "other"},
    "severity": {"alarm", "warning", "info"},
    "help.severity": {"alarm", "warning", "info"},
    "help.sort": {"camera", "edge", "storm", "flow"},
    "tier": {"1", "2", "3"},
    "state": {"open", "closed"},
    "decision": {"none", "true", "false_alarm", "test", "duplicate"},
    "filter": {"tier", "severity", "site", "pilot", "camera", "rule", "kind", "state", "decision"},
}
SAME = {"app.name", "language.name"}  # need not differ between languages
HAN = re.compile(r"[\u3400-\u9fff]")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def sources() -> str:
    return "".join(path.read_text() for path in [*TEMPLATES, *MODULES, *sorted(WEB.glob("*.py"))])


@pytest.mark.parametrize("language", [tag for tag in texts.languages() if tag != texts.FALLBACK])
def test_every_language_says_all_of_it(language: str) -> None:
    english, other = texts.texts(texts.FALLBACK).entries, texts.texts(language).entries
    assert list(other) == list(english)  # also in the same order, so that they can be read side by side
    assert {key: fields(text) for key, text in other.items()} == {key: fields(text) for key, text in english.items()}
    assert [key for key, text in other.items() if not text.strip()] == []
    untranslated = [key for key in english if english[key] == other[key] and key not in SAME]
    assert untranslated == []


def test_english_holds_no_chinese_and_chinese_is_chinese() -> None:
    assert [key for key, text in texts.texts("en").entries.items() if HAN.search(text)] == []
    latin = re.compile(r"[A-Za-z]")
    for key, text in texts.texts("zh-CN").entries.items():
        words = re.sub(r"\{\w+\}", "", text)
        assert HAN.search(words) or not latin.search(words) or key in SAME, key


def test_every_key_is_used() -> None:
    source = sources()
    made = {f"{start}.{end}" for start, ends in PARTS.items() for end in ends}
    unused = [
        key
        for key in texts.texts("en").entries
        if f'"{key}"' not in source and key not in made and key.partition(".")[0] not in texts.FAMILIES
    ]
    assert unused == []
    assert made <= set(texts.texts("en").entries)
    for start in PARTS:
        assert re.search(rf"""["`f]{re.escape(start)}\.?(\$?\{{|" ~|",)""", source), f"nothing makes {start}.* any more"


def test_every_key_that_is_asked_for_exists() -> None:
    asked = set(re.findall(r"""\b(?:t|text)\(\s*"([a-z][\w.-]*\w)\"""", sources()))
    assert len(asked) > 100
    assert asked - set(texts.texts("en").entries) == set()


def test_what_an_event_may_be_has_a_name() -> None:
    entries = texts.texts("zh-CN").entries
    assert {key[5:] for key in entries if key.startswith("kind.")} == kinds.KNOWN
    assert {key[6:] for key in entries if key.startswith("pilot.")} == {"school", "traffic", "hospital", "kitchen"}
    labels = {*yaml.safe_load(CARD.read_text())["classes"], "object"}  # "object": where a rule asks for any
    assert {key[6:] for key in entries if key.startswith("label.")} == labels


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_text(template: Path) -> None:
    html = re.sub(r"\{[%{#].*?[%}#]\}", "", template.read_text(), flags=re.DOTALL)
    shown = re.findall(r"""\b(?:aria-label|title|placeholder|alt)="([^"]*)\"""", html)
    html = re.sub(r"<kbd[^>]*>.*?</kbd>|<!doctype html>", "", html)  # what is printed on keys is no text
    shown += re.sub(r"<[^>]*>", "\n", html).split("\n")
    assert [text for text in shown if re.search(r"[^\W\d_]", text)] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_modules_hold_no_text(module: Path) -> None:
    code = re.sub(r"^\s*//.*$|\s// .*$|throw new Error\(.*$", "", module.read_text(), flags=re.MULTILINE)
    strings = re.findall(r'"([^"\n]*)"|\'([^\'\n]*)\'|`([^`]*)`', code)
    plain = [re.sub(r"\$\{[^}]*\}", "", "".join(found)) for found in strings]
    selector = re.compile(r"[.#\[]")
    sentences = [text for text in plain if re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", text) and not selector.match(text)]
    assert sentences == []
    assert HAN.findall(code) == []
    assert re.findall(r"(?:textContent|title|placeholder|ariaLabel)\s*[:=]\s*[\"'][^\"']*[A-Za-z]", code) == []


@pytest.mark.parametrize(
    ("cookie", "accept", "language"),
    [
        pytest.param(None, None, "en", id="nothing said"),
        pytest.param(None, "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", id="a Chinese browser"),
        pytest.param(None, "en-GB,en;q=0.9,zh;q=0.8", "en", id="an English browser"),
        pytest.param(None, "de-DE,de;q=0.9,zh;q=0.5,en;q=0.4", "zh-CN", id="the best that there is"),
        pytest.param(None, "zh-Hans", "zh-CN", id="by script"),
        pytest.param(None, "en;q=0,zh", "zh-CN", id="refused"),
        pytest.param("en", "zh-CN", "en", id="the cookie wins"),
        pytest.param("../../etc", "zh-CN", "zh-CN", id="no language of ours in the cookie"),
        pytest.param(None, "en;q=rubbish,;;,zh;q=0.1", "zh-CN", id="broken header"),
    ],
)
def test_choose(cookie: str | None, accept: str | None, language: str) -> None:
    assert texts.choose(cookie, accept) == language
