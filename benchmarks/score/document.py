"""The tables of docs/accuracy.md, each between two marker comments of its own; the words around them are by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.footage import REAL_OBJECTS, ROOT, Watched
from benchmarks.score.marking import Score

DOCUMENT = ROOT / "docs" / "accuracy.md"


def write(path: Path, section: str, text: str) -> None:
    """Raises ValueError where the document has not exactly one pair of the section's markers."""
    path.write_text(replaced(path.read_text(encoding="utf-8"), section, text), encoding="utf-8")


def replaced(document: str, section: str, text: str) -> str:
    """The document with `text` between the section's markers and every other character as it was."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    if document.count(begin) != 1 or document.count(end) != 1 or document.index(end) < document.index(begin):
        raise ValueError(f"want one '{begin}' and, after it, one '{end}'")
    before, rest = document.split(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def rates(scores: Mapping[float, Score], watched: Mapping[float, Mapping[str, Watched]], on: Mapping[str, str]) -> str:
    """The totals, every rule and every clip, with columns a rate."""
    heads = [f"{rate:g}/s" for rate in scores]
    rules = zip(*(score.marks for score in scores.values()), strict=True)
    return _joined(
        on,
        _table(("looks", *_TOTALS), ([f"{rate:g}/s", *_total(score)] for rate, score in scores.items())),
        _table(
            ("clip", "rule", "happened", *(f"{what} {head}" for head in heads for what in _COUNTS)),
            (
                [a.clip, f"`{a.rule}`", a.tp + a.fn, *(getattr(m, what) for m in (a, *others) for what in _COUNTS)]
                for a, *others in rules
            ),
        ),
        _table(
            ("clip", "real objects", *(f"{what} {head}" for head in heads for what in _SEEN)),
            (
                [name, real, *(value for clips in watched.values() for value in _seen([clips[name]]))]
                for name, real in REAL_OBJECTS.items()
            ),
        ),
    )


def perturbations(spoilt: Mapping[str, tuple[Score, Mapping[str, Watched]]], on: Mapping[str, str]) -> str:
    """A row a perturbation."""
    return _joined(
        on,
        _table(
            ("clips", *_TOTALS, *_SEEN, "not right"),
            (
                [name, *_total(score), *_seen(clips.values()), _not_right(score)]
                for name, (score, clips) in spoilt.items()
            ),
        ),
    )


def loops(lines: Sequence[Mapping[str, Any]], on: Mapping[str, str]) -> str:
    """A row a clip, from what `benchmarks loop` prints."""
    return _joined(
        on,
        _table(
            (
                "clip",
                "minutes",
                "MB after the first",
                "growth, MB",
                "numbered",
                "confirmed",
                "real",
                "confirmed a real",
                "events of round 2",
                "least of a later",
            ),
            (
                [
                    *(line[key] for key in ("clip", "minutes", "rss_mb", "growth_mb", "tracks_numbered", "tracks")),
                    line["real_objects"],
                    f"{line['tracks'] / line['real_objects']:.1f}",
                    line["events_round_2"],
                    line["events_least_later"],
                ]
                for line in lines
            ),
        ),
    )


_COUNTS = ("tp", "fp", "fn", "twice")
_TOTALS = (*_COUNTS, "precision", "recall", "f1")
_SEEN = ("looks a second", "tracks")


def _total(score: Score) -> list[object]:
    return [*map(score.total, _COUNTS), *(f"{part:.3f}" for part in (score.precision, score.recall, score.f1))]


def _seen(clips: Iterable[Watched]) -> tuple[str, int]:
    several = list(clips)
    looks = sum(clip.looks for clip in several) / sum(clip.seconds for clip in several)
    return f"{looks:.2f}", sum(clip.tracks for clip in several)


def _not_right(score: Score) -> str:
    return ", ".join(f"{m.clip} `{m.rule}`: {m.fp} fp, {m.fn} fn" for m in score.marks if m.fp or m.fn)


def _joined(on: Mapping[str, str], *tables: str) -> str:
    return "\n\n".join(["; ".join(f"{key}: {value}" for key, value in on.items()) + ".", *tables])


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines: list[Sequence[object]] = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
