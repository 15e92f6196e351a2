from __future__ import annotations

import pytest

from benchmarks.footage import REAL_OBJECTS, Watched
from benchmarks.score import document
from benchmarks.score.marking import Mark, Score

PAGE = "# By hand\n\n<!-- a: begin -->\nold\n<!-- a: end -->\nbetween\n<!-- b: begin -->\nkept\n<!-- b: end -->\n\nend"
ON = {"machine": "a CPU", "date": "2026-11-22"}
SEEN = {name: Watched((), 10.0, 49, 3) for name in REAL_OBJECTS}


def score(fp=0, fn=0, twice=0):
    return Score(
        (Mark("plaza", "lawn", 4 - fn, fp, fn, twice), Mark("junction", "line", 2, 0, 0, 0)), 0.9, 0.8, 0.847, {}
    )


def cells(text, first):
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_only_its_section_is_replaced():
    once = document.replaced(PAGE, "a", "new\nlines")
    assert once == PAGE.replace("old", "new\nlines")
    assert document.replaced(once, "a", "old") == PAGE


@pytest.mark.parametrize(
    "page",
    [
        "nothing",
        "<!-- a: begin -->",
        "<!-- a: end -->\n<!-- a: begin -->",
        "<!-- a: begin -->\n<!-- a: end -->\n<!-- a: begin -->\n<!-- a: end -->",
    ],
    ids=["no markers", "no end", "end first", "twice"],
)
def test_a_page_without_one_pair_of_markers_is_refused(page):
    with pytest.raises(ValueError, match="a: begin"):
        document.replaced(page, "a", "new")


@pytest.mark.parametrize("section", ["rates", "perturbations", "loops"])
def test_the_shipped_page_has_a_place_for(section):
    assert "new" in document.replaced(document.DOCUMENT.read_text(encoding="utf-8"), section, "new")


def test_rates_have_columns_a_rate():
    text = document.rates({5.0: score(), 2.0: score(fp=2, fn=1, twice=1)}, {5.0: SEEN, 2.0: SEEN}, ON)
    assert text.startswith("machine: a CPU; date: 2026-11-22.\n\n|")
    assert cells(text, "2/s") == ["2/s", "5", "2", "1", "1", "0.900", "0.800", "0.847"]
    assert cells(text, "plaza | `lawn`") == ["plaza", "`lawn`", "4", *"4000", *"3211"]
    assert cells(text, "plaza | 23") == ["plaza", "23", "4.90", "3", "4.90", "3"]


def test_a_perturbation_has_one_row_that_says_what_was_not_right():
    text = document.perturbations({"noise": (score(fp=1, fn=2), SEEN), "360p": (score(), SEEN)}, ON)
    assert cells(text, "noise")[-3:] == ["4.90", "12", "plaza `lawn`: 1 fp, 2 fn"]
    assert cells(text, "360p")[-1] == ""


def test_loops_tell_tracks_a_real_object():
    line = {"clip": "plaza", "minutes": 10.6, "rss_mb": 300.1, "growth_mb": 1.5, "tracks_numbered": 500, "tracks": 368}
    line |= {"real_objects": 184, "events_round_2": 5, "events_least_later": 4}
    text = document.loops([line], ON)
    assert cells(text, "plaza") == ["plaza", "10.6", "300.1", "1.5", "500", "368", "184", "2.0", "5", "4"]
