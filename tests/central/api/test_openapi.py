"""OpenAPI tells the truth, docs/api.md knows every route, and no field of an answer tells who somebody is."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from central.api.models import Event
from contract.event import EventRecord
from tests.central.harness import PASSWORD, Harness
from tests.central.live import Live
from tests.central.records import NOW, received

pytestmark = pytest.mark.anyio

DOCS = Path(__file__).parents[3] / "docs" / "api.md"
EXAMPLES = 25  # a route


async def test_every_route_is_in_the_docs(harness: Harness) -> None:
    text = DOCS.read_text()
    for path, operations in harness.app.openapi()["paths"].items():
        for method in operations:
            assert f"`{method.upper()} {path}`" in text, f"docs/api.md does not tell of {method.upper()} {path}"


async def test_the_docs_know_no_other_route(harness: Harness) -> None:
    routes = {
        f"{method.upper()} {path}"
        for path, operations in harness.app.openapi()["paths"].items()
        for method in operations
    } | {"GET /api/openapi.json"}
    assert set(re.findall(r"`((?:GET|POST|PUT|DELETE|PATCH) /api/\S+)`", DOCS.read_text())) == routes


async def test_an_event_has_the_contracts_fields_and_no_others() -> None:
    own = {"change", "newer_kind", "received_at", "delay", "late", "decision", "corrected"}
    assert set(Event.model_fields) == set(EventRecord.__struct_fields__) - {"seq"} | own


async def test_the_fields_of_all_answers_are_a_closed_list(harness: Harness) -> None:
    """Adding one is a decision: nothing here may name a face, a plate, a person's trait or a person."""
    fields = {name for schema in _schemas(harness).values() for name in schema.get("properties", {})}
    assert fields == set(Event.model_fields) | {
        # errors
        *("error", "code", "message", "hint", "retryable", "details"),
        # pages, and what stands in them
        *("events", "event", "next", "left", "more", "decisions", "by", "note", "limit", "cursor"),
        *("tiers", "sites", "pilots", "cameras", "rules", "kinds"),
        *("edges", "last_seen", "last_seq", "records", "clock_offset", "waiting"),
        # what is missing: numbers of an edge's records, and times
        *("late", "lost", "since", "until", "lost_at", "forked_at"),
        *("gaps", "first", "last", "after_at", "before_at", "noticed_at", "missing"),
        # staff who use the desk, never people in a picture
        *("user", "name", "password", "old", "new", "must_change_password"),
        # ingest and health
        *("central_epoch", "now", "answers", "seq", "outcome", "reason", "status", "version"),
    } - {"limit", "cursor"}


def _schemas(harness: Harness) -> dict[str, dict[str, Any]]:
    schemas: dict[str, dict[str, Any]] = harness.app.openapi()["components"]["schemas"]
    return schemas


NOT_TRIED = {
    ("get", "/api/feed"),  # endless; test_feed.py
    ("delete", "/api/session"),  # would log the test out
}
# What JSON Schema cannot say: whether a batch is sound, a cursor ours, a password new.
NOT_SCHEMAS = {
    "/api/ingest": [positive_data_acceptance, negative_data_rejection],
    "/api/heartbeat": [positive_data_acceptance, negative_data_rejection],
    "/api/events": [positive_data_acceptance],
    "/api/session/password": [positive_data_acceptance],
}
# What no generated request can know: a password, an event's id, a sound batch, an edge's name.
NEVER_RIGHT = {"/api/session", "/api/session/password", "/api/events/{event_id}/decision"}
NEVER_RIGHT |= {"/api/ingest", "/api/heartbeat", "/api/gaps/{edge_id}/note"}


def test_answers_are_what_openapi_says(harness: Harness) -> None:
    """Generated requests, sound and unsound, against every route but the endless one."""
    asyncio.run(harness.add_user())
    asyncio.run(harness.store.put([received(n) for n in range(1, 60)], NOW))
    edge = asyncio.run(harness.add_edge())
    with Live(harness) as live:
        login = requests.post(f"{live.url}/api/session", json={"name": "li", "password": PASSWORD}, timeout=10)
        cookies = {"vedette": str(login.cookies["vedette"])}
        schema = schemathesis.openapi.from_url(f"{live.url}/api/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
        for operation in operations:
            if (operation.method, operation.path) not in NOT_TRIED:
                mine = edge if operation.path in ("/api/ingest", "/api/heartbeat") else {"origin": live.url}
                statuses = _try(operation, cookies, mine)
                assert 401 not in statuses or operation.path == "/api/session", "the test is not logged in"
                assert 200 in statuses or operation.path in NEVER_RIGHT | {"/api/events/{event_id}"}, statuses
    assert len(operations) == 18


def _try(operation: Any, cookies: dict[str, str], headers: dict[str, str]) -> set[int]:
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        excluded = NOT_SCHEMAS.get(operation.path, [])
        response = case.call_and_validate(headers=headers, cookies=cookies, excluded_checks=excluded)
        statuses.add(response.status_code)

    check()
    return statuses
