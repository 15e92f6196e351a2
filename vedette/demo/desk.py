"""A small client of central's API, as far as the demo and its measurements need one."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import httpx


class Desk:
    """Logged in with the one-time password, which is changed at once as central demands. Its events are those of
    cameras: what an edge says of itself (that it has too much to do) is left out."""

    def __init__(self, address: str, name: str, one_time_password: str) -> None:
        self._http = httpx.Client(base_url=address, headers={"Origin": address}, timeout=10, trust_env=False)
        password = secrets.token_urlsafe(18)
        self._http.post("/api/session", json={"name": name, "password": one_time_password}).raise_for_status()
        self._http.put("/api/session/password", json={"old": one_time_password, "new": password}).raise_for_status()

    def events(self) -> list[dict[str, Any]]:
        answer = self._http.get("/api/events", params={"limit": 200})
        answer.raise_for_status()
        return list(filter(_of_a_camera, answer.json()["events"]))

    def edges(self) -> list[dict[str, Any]]:
        answer = self._http.get("/api/edges")
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["edges"]
        return found

    def feed(self, timeout_s: float) -> Iterator[tuple[float, dict[str, Any]]]:
        """(UTC seconds of arrival, event) for each line of the live feed, from the beginning of the store on.

        Raises httpx.ReadTimeout when nothing at all comes for `timeout_s`.
        """
        kind = ""
        with self._http.stream("GET", "/api/feed", params={"after": 0}, timeout=timeout_s) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    kind = value
                elif field == "data" and kind == "event":
                    event = json.loads(value)
                    if _of_a_camera(event):
                        yield time.time(), event

    def close(self) -> None:
        self._http.close()


def _of_a_camera(event: dict[str, Any]) -> bool:
    return bool(event["camera_id"] != event["edge_id"])
