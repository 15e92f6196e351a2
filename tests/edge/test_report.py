"""The page of a replay: its facts, its bounds, and what a browser says to it."""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from contract import parse
from edge import report as page
from edge.errors import SettingsError
from edge.replay import Look, Moment, ReplayStats, replay
from edge.report import LANGUAGES, Lane, Report, axis, clock, texts
from edge.sources.file import FileSource
from edge.types import Detections
from tests.edge import walker
from tests.edge.drafts import CAMERA as GATE
from tests.edge.drafts import NOW, draft
from tests.edge.frames import frame
from tests.edge.walker import SECONDS, Walker, detail, place

CAMERA = parse.camera(walker.CAMERA)
CHROMIUM = Path("/usr/bin/chromium")
HASH = "4b0c" * 16


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, list]:
    folder = tmp_path_factory.mktemp("report")
    clip = walker.clip(folder / "<b>walk.mp4")
    detector = Walker()
    observer = Report(CAMERA, detector.model_id, HASH, NOW)
    stats = ReplayStats()
    records = list(replay(FileSource(clip), CAMERA, detector, start_ms=NOW, stats=stats, observe=observer))
    observer.write(folder / "walk.html", clip.name, stats, detector.drops)
    return folder / "walk.html", records


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str, cls: str = "") -> list[dict[str, str | None]]:
        return [a for t, a in self.tags if t == tag and cls in (*(a.get("class") or "").split(), "")]


@pytest.fixture(scope="module")
def elements(made) -> Elements:
    return Elements(made[0].read_text(encoding="utf-8"))


def test_every_event_has_its_mark_and_its_picture(made, elements):
    events = {record.event_id for _, record in made[1]}
    assert len(events) >= 2
    assert len(elements.all("a", "mark")) == len(elements.all("figure", "card")) == len(events)
    targets = {a["id"] for a in elements.all("figure", "card")}
    assert {a["href"] for a in elements.all("a", "mark")} == {f"#{target}" for target in targets}
    assert all(a["aria-label"] for a in elements.all("a", "mark"))


def test_pictures_are_small_and_show_nobody(made, elements):
    at = min(at for at, _ in made[1]) + 0.2  # told a look later, with that look's picture
    first = elements.all("img")[0]["src"]
    assert first.startswith("data:image/jpeg;base64,")
    image = cv2.imdecode(np.frombuffer(base64.b64decode(first.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)
    assert max(image.shape) <= 480
    before = detail(cv2.resize(walker.picture(at), image.shape[1::-1], interpolation=cv2.INTER_AREA), place(at))
    _, top, right, bottom = place(at)
    assert before > 5 * detail(image, (right - 0.06, top, right, bottom))  # beside the line, which is drawn


def test_nothing_comes_from_elsewhere(made, elements):
    text = made[0].read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?\s*(?:https?:)?//""", text)
    assert "@import" not in text
    for _, attributes in elements.tags:
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))


def test_hostile_names_stay_words(made, elements):
    assert len(elements.all("script")) == 1
    assert not [a for _, a in elements.tags if any(name.startswith("on") for name in a)]
    assert not elements.all("b")
    assert len([a for a in elements.all("img") if not (a["src"] or "").startswith("data:image/jpeg")]) == 0
    assert "&lt;script&gt;alert(" in made[0].read_text(encoding="utf-8")


def test_a_rule_outside_its_schedule_shows_no_armed_span(made):
    text = made[0].read_text(encoding="utf-8")
    lanes = dict(re.findall(r'<div class="who">(\w+) .*?</div>\s*<svg[^>]*>(.*?)</svg>\s*(?=<div)', text, re.DOTALL))
    assert set(lanes) >= {"over", "inside", "asleep"}
    assert 'class="armed"' in lanes["over"]
    assert 'class="armed"' not in lanes["asleep"]


def test_the_heading_says_when_the_clip_is_taken_to_begin_and_what_weights_judged_it(tmp_path):
    camera = parse.camera(walker.CAMERA.replace("time_zone: UTC", "time_zone: Asia/Shanghai"))
    Report(camera, "m", HASH, NOW).write(tmp_path / "x.html", "c", ReplayStats(), {})
    heading = (tmp_path / "x.html").read_text(encoding="utf-8").partition("</header>")[0]
    assert "2026-11-18 11:06:40 UTC · 2026-11-18 19:06:40 Asia/Shanghai" in heading
    assert f"SHA-256 {HASH}" in heading


def test_the_key_names_every_colour_of_the_lanes(made):
    text = made[0].read_text(encoding="utf-8")
    key = text.partition('<p class="key')[2].partition("</p>")[0]
    lanes = set(re.findall(r'class="(ground|armed|open|once|gate|look)"', text))
    named = {name.replace("track", "ground") for name in re.findall(r"background: var\(--([a-z]+)\)", key)}
    assert lanes <= named
    assert "not armed" in key


def test_dropped_and_counted_things_are_told(made):
    text = made[0].read_text(encoding="utf-8")
    assert "capped" in text
    assert f">{SECONDS * walker.FPS}<" in text


def moments(count: int) -> list[Moment]:
    """`count` events over at once, a second apart, in pictures of grey."""
    image = np.full((36, 64, 3), 90, np.uint8)
    found = []
    for second in range(count):
        look = Look(frame(float(second), image), (), Detections(), list, (), ())
        one = draft(second, at=NOW + second * 1000, rule="out", state="closed", path=())
        found.append(Moment(float(second), None, True, look, [one]))
    return found


def written(observer: Report, path: Path, seconds: float) -> Elements:
    observer.write(path, "clip.mp4", ReplayStats(seconds=seconds), {})
    return Elements(path.read_text(encoding="utf-8"))


def test_pictures_have_a_bound_and_the_page_says_so(tmp_path):
    observer = Report(GATE, "m", HASH, NOW)
    for moment in moments(page.PICTURES + 7):
        observer(moment)
    found = written(observer, tmp_path / "many.html", 300.0)
    assert len(found.all("img")) == page.PICTURES
    assert len([a for a in found.all("tr") if (a.get("id") or "").startswith("e")]) == 7
    assert f"Only the first {page.PICTURES} events have a picture; the other 7" in (tmp_path / "many.html").read_text()


def test_a_clip_in_which_nothing_happens(tmp_path):
    found = written(Report(GATE, "m", HASH, NOW), tmp_path / "none.html", 0.0)
    assert (found.all("img"), found.all("a", "mark")) == ([], [])
    assert "No rule fired" in (tmp_path / "none.html").read_text()


def test_an_event_that_is_no_rule_s_gets_a_lane(tmp_path):
    observer = Report(GATE, "m", HASH, NOW)
    one = replace(draft(), rule="view", kind="dark", zone=None, box=None, label=None, track=None, path=())
    observer(Moment(1.0, None, False, None, [one]))
    found = written(observer, tmp_path / "dark.html", 10.0)
    assert [a["aria-label"] for a in found.all("a", "mark")] == ["view, too dark, 0:00.0–0:00.0"]
    assert [a["data-zh"] for a in found.all("a", "mark")] == ["view, 画面过暗, 0:00.0–0:00.0"]


def test_each_mark_says_what_its_own_event_was(tmp_path):
    observer = Report(GATE, "m", HASH, NOW)
    dark = replace(draft(1), rule="view", kind="dark", zone=None, box=None, label=None, track=None, path=())
    storm = replace(draft(3), kind="storm", box=None, label=None, track=None, path=(), count=70)
    observer(Moment(1.0, None, False, None, [dark, replace(dark, event_id=draft(2).event_id, kind="frozen"), storm]))
    found = written(observer, tmp_path / "kinds.html", 10.0)
    said = [str(a["aria-label"]) for a in found.all("a", "mark")]
    assert ["storm" in said[0], "too dark" in said[1], "picture frozen" in said[2]] == [True] * 3


@pytest.mark.parametrize(
    ("spans", "rows"),
    [([(0, 2), (3, 4)], [0, 0]), ([(0, 5), (1, 2), (2, 3)], [0, 1, 1]), ([(0, 9)] * 6, [0, 1, 2, 3, 3, 3])],
    ids=["one after the other", "two at once", "more than there is room for"],
)
def test_events_open_at_once_lie_below_one_another(spans, rows):
    lane = Lane("dwell", "lawn")
    lane.events = [page.Event(i, draft(i), begin, end, at_once=False) for i, (begin, end) in enumerate(spans)]
    lane.arrange()
    assert [event.row for event in lane.events] == rows
    assert lane.rows == max(rows) + 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (3723.4, "1:02:03.4")],
)
def test_clock(seconds, words):
    assert clock(seconds) == words


@pytest.mark.parametrize("length", [0.001, 0.9, 9.0, 29.0, 600.0, 86_400.0, 10_000_000.0])
def test_the_axis_has_a_handful_of_marks(length):
    marks = axis(length)
    assert 1 <= len(marks) <= 120
    assert marks[0] == (0.0, "0:00")
    assert all(0 <= share <= 1 for share, _ in marks)


def test_languages_have_the_same_texts():
    keys = [set(texts(language)) for language in LANGUAGES]
    assert keys[0] == keys[1]
    fields = [{key: sorted(re.findall(r"\{(\w+)\}", text)) for key, text in texts(each).items()} for each in LANGUAGES]
    assert fields[0] == fields[1]
    for language in LANGUAGES:
        json.loads((page.PAGES / f"report.{language}.json").read_text("utf-8"))


def test_a_page_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(SettingsError) as caught:
        Report(GATE, "m", HASH, NOW).write(tmp_path / "none" / "x.html", "c", ReplayStats(), {})
    assert caught.value.hint


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing")
def test_in_a_browser(made):
    """From a file, with no network: nothing is refused, both languages work, a mark tells by mouse and by keyboard."""
    from playwright.sync_api import sync_playwright

    said: list[str] = []
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=flags, env={**os.environ})
        tab = browser.new_page(locale="zh-CN", viewport={"width": 360, "height": 700})
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        tab.goto(made[0].as_uri())
        assert tab.locator("h2 span[lang=zh-CN]").first.is_visible()
        assert not tab.locator("h2 span[lang=en]").first.is_visible()
        assert tab.locator("html").get_attribute("lang") == "zh-CN"
        tab.locator("label[for=en]").click()
        assert tab.locator("h2 span[lang=en]").first.is_visible()
        assert not tab.locator("h2 span[lang=zh-CN]").first.is_visible()
        mark = tab.locator(".mark").first
        for language, kind, label in (("zh", "越线", "人员"), ("en", "line crossed", "person")):
            tab.locator(f"label[for={language}]").click()
            mark.focus()
            told = tab.locator("#tip").inner_text()
            assert told == mark.get_attribute("aria-label")
            assert re.fullmatch(rf"over, {kind}, [\d:.]+, {label} #\d+", told), told  # and no other language's words
        tab.keyboard.press("Escape")
        assert not tab.locator("#tip").is_visible()
        tab.keyboard.press("Enter")
        tab.wait_for_function("location.hash.startsWith('#e')")
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shown = tab.locator(".card img")
        shown.first.scroll_into_view_if_needed()
        tab.wait_for_function("document.querySelector('.card img').naturalWidth > 0")
        browser.close()
    assert said == []
