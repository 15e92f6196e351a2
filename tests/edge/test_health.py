from __future__ import annotations

import dataclasses
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.health import METRICS, CameraStatus, EdgeStatus, HealthServer, reasons, to_json, to_prometheus
from edge.load import LoadStatus
from edge.outbox import OutboxStatus
from edge.uplink import UplinkStatus

OUTBOX = OutboxStatus(
    epoch=1_700_000_000_000,
    last_seq=12,
    pending=2,
    parked=0,
    queued=0,
    bytes=40_960,
    max_bytes=1 << 20,
    oldest_age=1.5,
    committed=12,
    settled=10,
    resent=0,
    sacrificed=0,
    kept=7,
    refused={"queue": 1},
    damaged=0,
    quarantined=0,
    salvaged=0,
    full=False,
    fault="",
)
UPLINK = UplinkStatus(
    state="idle",
    fault="",
    hint="",
    last_success_age=3.0,
    heartbeats=4,
    missing=0,
    batches=4,
    sent_bytes=900,
    outcomes={"stored": 10, "duplicate": 0, "refused": 0},
    faults={"timeout": 2},
    clock_offset=-250,
    cap=8000,
    capped=True,
    capped_batches=3,
    capped_s=7.5,
)
CAMERA = CameraStatus(
    "live",
    clock_ahead=-3600.5,
    last_frame_age=0.2,
    packets=500,
    frames=100,
    looks=40,
    sleep="asleep",
    wakes={"sizes": 2},
    whole_looks={"due": 5},
    shown=12.5,
    events=3,
    dropped={"busy": 4},
)


def status(**parts: Any) -> EdgeStatus:
    return EdgeStatus(
        dataclasses.replace(OUTBOX, **parts.pop("outbox", {})),
        dataclasses.replace(UPLINK, **parts.pop("uplink", {})),
        parts.pop("cameras", {"gate-1": CAMERA}),
        boxes_dropped={"yolov8n": {"capped": 3}},
        pixels={"yolov8n": {"shown": 3, "canvas": 4}},
        load=parts.pop("load", LoadStatus(31.0, 50.0, 0.3, False)),
    )


@pytest.fixture
def server() -> Iterator[HealthServer]:
    with closing(HealthServer(status)) as running:
        yield running


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"cameras": {"gate-1": CameraStatus("offline", "credentials")}}, "camera gate-1 is offline: credentials"),
        ({"outbox": {"fault": "I/O error"}}, "cannot be written: I/O error"),
        ({"outbox": {"full": True}}, "full"),
        ({"outbox": {"parked": 2}}, "2 records are parked"),
        ({"outbox": {"quarantined": 1}}, "1 damaged outbox files"),
        ({"outbox": {"oldest_age": 61.0}}, "2 records wait, the oldest for 61 s"),
        (
            {"uplink": {"state": "token refused", "fault": "central answered 401"}},
            "token refused: central answered 401",
        ),
        ({"uplink": {"state": "unreachable"}}, "uplink: unreachable"),
        ({"load": LoadStatus(31.0, 50.0, 0.3, True)}, "degraded: 31.0 of 50.0 looks a second"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_degraded_says_why(parts: dict[str, Any], said: str) -> None:
    (why,) = reasons(status(**parts))
    assert said in why


def test_all_well_says_nothing() -> None:
    assert reasons(status()) == []
    assert reasons(status(uplink={"state": "sending"}, outbox={"oldest_age": None})) == []


def test_health_is_json(server: HealthServer) -> None:
    answer = httpx.get(f"http://127.0.0.1:{server.port}/health", trust_env=False)
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert (body["status"], body["why"]) == ("ok", [])
    assert body["cameras"]["gate-1"]["state"] == "live"
    assert body["outbox"]["last_seq"] == 12
    assert body["uplink"]["faults"] == {"timeout": 2}


def test_metrics_are_well_formed(server: HealthServer) -> None:
    answer = httpx.get(f"http://127.0.0.1:{server.port}/metrics", trust_env=False)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    known = "|".join(METRICS)
    line = rf'# (HELP|TYPE) ({known}) .+|({known})(\{{\w+="[^"]*"(,\w+="[^"]*")*\}})? -?[\d.e+-]+'
    for text in answer.text.splitlines():
        assert re.fullmatch(line, text), text
    assert 'vedette_camera_dropped_total{camera="gate-1",reason="busy"} 4' in answer.text
    assert "vedette_uplink_clock_offset_seconds -0.25" in answer.text


def test_every_metric_is_given_once_it_is_known() -> None:
    given = set(re.findall(r"^# TYPE (\w+)", to_prometheus(status()), re.MULTILINE))
    assert given == set(METRICS)


def test_unknown_values_are_left_out() -> None:
    text = to_prometheus(status(outbox={"oldest_age": None}, uplink={"last_success_age": None, "clock_offset": None}))
    assert "None" not in text
    assert "oldest_age" not in text


def test_labels_are_escaped() -> None:
    text = to_prometheus(status(cameras={'a"b\\c\nd': CAMERA}))
    assert r'camera="a\"b\\c\nd"' in text


def test_every_metric_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    documented = set(re.findall(r"`(vedette_\w+)`", page))
    assert documented == set(METRICS)


def test_other_paths_and_other_names_are_refused(server: HealthServer) -> None:
    at = f"http://127.0.0.1:{server.port}"
    assert httpx.get(f"{at}/", trust_env=False).status_code == 404
    assert httpx.get(f"{at}/health", headers={"Host": "evil.example:80"}, trust_env=False).status_code == 403
    assert httpx.get(f"{at}/health", headers={"Host": "localhost"}, trust_env=False).status_code == 200


def test_a_silent_client_holds_nobody_up(server: HealthServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)):
        assert httpx.get(f"http://127.0.0.1:{server.port}/health", timeout=2, trust_env=False).status_code == 200


def test_listens_on_loopback_only_and_closes_for_good() -> None:
    threads = threading.active_count()
    server = HealthServer(status)
    assert server._server.server_address[0] == "127.0.0.1"
    server.close()
    server.close()
    assert threading.active_count() == threads
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{server.port}/health", trust_env=False)


def test_json_survives_odd_names() -> None:
    assert json.loads(to_json(status(cameras={"摄像头 1": CAMERA})))["cameras"]["摄像头 1"]["frames"] == 100
