"""The tree as drawn is the tree as it is, and what a library raises does not get through."""

from __future__ import annotations

import re
import sqlite3

import pytest

from central import errors
from central.errors import CentralError, SearchTooLong, StoreBusy, StoreError, StoreFull, StoreUnsuited, error_body
from central.store.sqlite import _translate


def _all(kind: type[CentralError]) -> set[type[CentralError]]:
    return {kind}.union(*(_all(below) for below in kind.__subclasses__()))


def test_the_drawing_shows_every_error() -> None:
    assert errors.__doc__
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__)) | {"CentralError"}
    assert drawn == {kind.__name__ for kind in _all(CentralError) if kind.__module__ == "central.errors"}


def test_codes_are_words_of_their_own() -> None:
    kinds = _all(CentralError) - {errors.RequestError}
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code) for kind in kinds)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_FULL", StoreFull),
        ("SQLITE_CORRUPT", StoreUnsuited),
        ("SQLITE_NOTADB", StoreUnsuited),
        ("SQLITE_IOERR_FSYNC", StoreError),
        ("SQLITE_INTERRUPT", SearchTooLong),
        ("SQLITE_BUSY", StoreError),
        ("", StoreError),
    ],
)
def test_sqlite_errors_become_ours(name: str, kind: type[StoreError]) -> None:
    error = sqlite3.OperationalError("by the library")
    if name:
        error.sqlite_errorname = name
    ours = _translate(error)
    assert type(ours) is kind
    assert ours.hint


def test_every_sqlite_error_is_translated() -> None:
    kinds: list[type[Exception]] = [sqlite3.Error, *sqlite3.Error.__subclasses__()]
    for kind in kinds + sqlite3.DatabaseError.__subclasses__():
        assert isinstance(_translate(kind("x")), StoreError)
    assert isinstance(_translate(KeyError("no error of SQLite's")), KeyError)


def test_retry_after_and_details_only_where_given() -> None:
    assert StoreBusy("x", retry_after=3).headers == {"Retry-After": "3"}
    assert StoreBusy("x").headers == {}
    assert "details" not in error_body("a", "b")["error"]
    assert error_body("a", "b", details=[{"field": "x"}])["error"]["details"] == [{"field": "x"}]
