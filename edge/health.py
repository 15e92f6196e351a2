"""How the edge is: judged, as JSON for people and scripts, as Prometheus text for monitoring, on a loopback port.

The edge hands in one callable that returns an `EdgeStatus`; nothing registers itself anywhere. The Prometheus format
is written here: for gauges and counters it is three lines a metric, less than a dependency.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, TypeAlias

import msgspec

from edge.load import LoadStatus
from edge.outbox import OutboxStatus
from edge.stills import StillsStatus
from edge.uplink import UplinkStatus
from edge.view import KINDS

STALE_AFTER = 60.0  # seconds that a record may wait for central before the edge calls itself degraded


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """`state` is "live" when all is well. Counts since start: `packets` (pictures that came), `frames` (decoded),
    `looks` (by the model), of those `whole_looks` (by reason; the others are at parts of the picture), `shown` (to the
    model, in pictures), `dropped` (by reason)."""

    state: str
    why: str = ""
    hint: str = ""  # what to do about it
    stream: str = ""  # what was chosen of what it offers over ONVIF
    clock_ahead: float | None = None  # seconds: its clock minus the edge's, when it was last asked over ONVIF
    last_frame_age: float | None = None  # seconds
    packets: int = 0
    frames: int = 0
    looks: int = 0
    sleep: str = "awake"  # or asleep, steady; see edge/sleep.py
    wakes: Mapping[str, int] = field(default_factory=dict)  # by what gave it away
    whole_looks: Mapping[str, int] = field(default_factory=dict)
    shown: float = 0.0
    events: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    view: tuple[str, ...] = ()  # what is wrong with its sight


@dataclass(frozen=True, slots=True)
class EdgeStatus:
    outbox: OutboxStatus
    uplink: UplinkStatus
    cameras: Mapping[str, CameraStatus]  # by camera id
    not_watched: tuple[str, ...] = ()  # problems of camera files
    boxes_dropped: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by model and reason
    pixels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by model: "shown", and the "canvas" of them
    stills: StillsStatus = field(default_factory=StillsStatus)
    load: LoadStatus = field(default_factory=LoadStatus)


Type: TypeAlias = Literal["gauge", "counter"]
Sample: TypeAlias = tuple[str, Mapping[str, str], float]

METRICS: Mapping[str, tuple[Type, str]] = {
    "vedette_degraded": ("gauge", "1 while anything below needs a person"),
    "vedette_overloaded": ("gauge", "1 while fewer looks are made than the cameras' rates ask for"),
    "vedette_looks_made_per_second": ("gauge", "looks of the last 10 s, all cameras"),
    "vedette_looks_wanted_per_second": ("gauge", "looks that the cameras' rates asked for in the last 10 s"),
    "vedette_look_lag_p95_seconds": ("gauge", "age of pictures when they had been looked at, last 10 s"),
    "vedette_camera_live": ("gauge", "1 while the camera sends pictures that are looked at"),
    "vedette_camera_view_fault": ("gauge", "1 while the camera cannot see well, by kind"),
    "vedette_camera_last_frame_age_seconds": ("gauge", "age of the camera's last picture"),
    "vedette_camera_clock_ahead_seconds": ("gauge", "the camera's clock minus the edge's, when last asked over ONVIF"),
    "vedette_camera_packets_total": ("counter", "pictures that came"),
    "vedette_camera_frames_total": ("counter", "pictures decoded"),
    "vedette_camera_asleep": ("gauge", "1 while the camera's scene is at rest and only key frames are decoded"),
    "vedette_camera_wakes_total": ("counter", "how often a scene at rest woke, by what gave it away"),
    "vedette_camera_looks_total": ("counter", "pictures that the model has looked at"),
    "vedette_camera_whole_looks_total": ("counter", "of those, not only at what may matter, by reason"),
    "vedette_camera_shown_total": ("counter", "what the model was shown of them, in whole pictures"),
    "vedette_camera_events_total": ("counter", "records made"),
    "vedette_camera_dropped_total": ("counter", "pictures and events dropped, by reason"),
    "vedette_model_boxes_dropped_total": ("counter", "boxes of a model thrown away, by reason"),
    "vedette_model_shown_pixels_total": ("counter", "pixels of pictures that a model was shown"),
    "vedette_model_canvas_pixels_total": ("counter", "pixels that a model worked on, with the grey between them"),
    "vedette_stills_kept": ("gauge", "pictures of events on the disk"),
    "vedette_stills_bytes": ("gauge", "bytes that they take"),
    "vedette_stills_max_bytes": ("gauge", "bytes at which the oldest are deleted"),
    "vedette_stills_written_total": ("counter", "pictures of events written"),
    "vedette_stills_deleted_total": ("counter", "pictures of events deleted, by reason"),
    "vedette_stills_dropped_total": ("counter", "events that got no picture, by reason"),
    "vedette_outbox_pending_records": ("gauge", "records that central has not confirmed"),
    "vedette_outbox_parked_records": ("gauge", "records kept but no longer sent"),
    "vedette_outbox_queued_records": ("gauge", "records waiting for the disk"),
    "vedette_outbox_bytes": ("gauge", "bytes in use"),
    "vedette_outbox_max_bytes": ("gauge", "bytes at which new records are refused"),
    "vedette_outbox_oldest_age_seconds": ("gauge", "age of the oldest unconfirmed record"),
    "vedette_outbox_committed_total": ("counter", "records made durable"),
    "vedette_outbox_kept_records": ("gauge", "records that central has stored, kept should it miss them again"),
    "vedette_outbox_settled_total": ("counter", "records that central confirmed"),
    "vedette_outbox_resent_total": ("counter", "records sent again because central missed them"),
    "vedette_outbox_sacrificed_total": ("counter", "records given up unsent for more severe ones"),
    "vedette_outbox_refused_total": ("counter", "records not accepted, by reason"),
    "vedette_outbox_damaged_total": ("counter", "rows found damaged and parked"),
    "vedette_outbox_quarantined_files": ("gauge", "damaged files put aside and not salvaged yet"),
    "vedette_outbox_salvaged_total": ("counter", "records brought back from damaged files"),
    "vedette_outbox_writable": ("gauge", "0 while the outbox cannot be written"),
    "vedette_uplink_up": ("gauge", "1 while central answers as it should"),
    "vedette_uplink_last_success_age_seconds": ("gauge", "time since central last answered a batch or a heartbeat"),
    "vedette_uplink_heartbeats_total": ("counter", "heartbeats that central answered"),
    "vedette_uplink_missing_records": ("gauge", "records that central lacked when it last answered a heartbeat"),
    "vedette_uplink_batches_total": ("counter", "batches confirmed"),
    "vedette_uplink_sent_bytes_total": ("counter", "bytes of confirmed batches, compressed"),
    "vedette_uplink_records_total": ("counter", "records answered, by outcome"),
    "vedette_uplink_faults_total": ("counter", "failed requests, by kind"),
    "vedette_uplink_cap_bytes_per_second": ("gauge", "bytes a second that may be sent; 0: any number"),
    "vedette_uplink_capped": ("gauge", "1 while a batch waits because of the cap"),
    "vedette_uplink_capped_batches_total": ("counter", "batches that had to wait because of the cap"),
    "vedette_uplink_capped_seconds_total": ("counter", "seconds that they waited"),
    "vedette_uplink_clock_offset_seconds": ("gauge", "central's clock minus the edge's"),
}


def reasons(status: EdgeStatus) -> list[str]:
    """What needs a person, one sentence each; empty when all is well."""
    found = [
        f"camera {name} is {camera.state}" + (f": {camera.why}" if camera.why else "")
        for name, camera in status.cameras.items()
        if camera.state != "live"
    ]
    found += [f"camera not watched: {problem}" for problem in status.not_watched]
    if status.load.degraded:
        found.append(f"degraded: {status.load.made:.1f} of {status.load.wanted:.1f} looks a second")
    if status.stills.fault:
        found.append(f"the last still was not kept: {status.stills.fault}")
    outbox, uplink = status.outbox, status.uplink
    if outbox.fault:
        found.append(f"the outbox cannot be written: {outbox.fault}")
    if outbox.full:
        found.append("the outbox is full and refuses new records")
    if outbox.sacrificed:
        found.append(f"{outbox.sacrificed} records were given up for more severe ones since start")
    if outbox.parked:
        found.append(f"{outbox.parked} records are parked")
    if outbox.quarantined:
        found.append(f"{outbox.quarantined} damaged outbox files are not salvaged yet")
    if outbox.oldest_age is not None and outbox.oldest_age > STALE_AFTER:
        found.append(f"{outbox.pending} records wait, the oldest for {outbox.oldest_age:.0f} s")
    if uplink.state not in ("idle", "sending"):
        found.append(f"uplink: {uplink.state}" + (f": {uplink.fault}" if uplink.fault else ""))
    return found


def to_json(status: EdgeStatus) -> bytes:
    """{"status": "ok" | "degraded", "why": [...], "cameras": {id: ...}, "outbox": {...}, ...}"""
    why = reasons(status)
    return msgspec.json.encode(
        {
            "status": "degraded" if why else "ok",
            "why": why,
            "cameras": status.cameras,
            "load": status.load,
            "boxes_dropped": status.boxes_dropped,
            "pixels": status.pixels,
            "stills": status.stills,
            "outbox": status.outbox,
            "uplink": status.uplink,
        }
    )


def to_prometheus(status: EdgeStatus) -> str:
    """Text exposition format 0.0.4."""
    samples: dict[str, list[str]] = {}
    for name, labels, value in _samples(status):
        inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        samples.setdefault(name, []).append(f"{name}{{{inner}}} {value!r}" if inner else f"{name} {value!r}")
    lines: list[str] = []
    for name, (kind, text) in METRICS.items():
        if name in samples:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *samples[name]]
    return "\n".join(lines) + "\n"


def _samples(status: EdgeStatus) -> Iterator[Sample]:
    """Ages and offsets that are not known are left out, as Prometheus wants it."""
    yield "vedette_degraded", {}, int(bool(reasons(status)))
    yield "vedette_overloaded", {}, int(status.load.degraded)
    yield "vedette_looks_made_per_second", {}, round(status.load.made, 3)
    yield "vedette_looks_wanted_per_second", {}, round(status.load.wanted, 3)
    if status.load.lag_p95 is not None:
        yield "vedette_look_lag_p95_seconds", {}, round(status.load.lag_p95, 3)
    for name, camera in status.cameras.items():
        labels = {"camera": name}
        yield "vedette_camera_live", labels, int(camera.state == "live")
        for fault in KINDS:
            yield "vedette_camera_view_fault", {**labels, "kind": fault}, int(fault in camera.view)
        if camera.last_frame_age is not None:
            yield "vedette_camera_last_frame_age_seconds", labels, camera.last_frame_age
        if camera.clock_ahead is not None:
            yield "vedette_camera_clock_ahead_seconds", labels, camera.clock_ahead
        yield "vedette_camera_packets_total", labels, camera.packets
        yield "vedette_camera_frames_total", labels, camera.frames
        yield "vedette_camera_asleep", labels, int(camera.sleep == "asleep")
        for reason, count in camera.wakes.items():
            yield "vedette_camera_wakes_total", {**labels, "reason": reason}, count
        yield "vedette_camera_looks_total", labels, camera.looks
        for reason, count in camera.whole_looks.items():
            yield "vedette_camera_whole_looks_total", {**labels, "reason": reason}, count
        yield "vedette_camera_shown_total", labels, camera.shown
        yield "vedette_camera_events_total", labels, camera.events
        for reason, count in camera.dropped.items():
            yield "vedette_camera_dropped_total", {**labels, "reason": reason}, count
    for model, reasons_of in status.boxes_dropped.items():
        for reason, count in reasons_of.items():
            yield "vedette_model_boxes_dropped_total", {"model": model, "reason": reason}, count
    for model, pixels in status.pixels.items():
        for which, count in pixels.items():
            yield f"vedette_model_{which}_pixels_total", {"model": model}, count
    stills = status.stills
    yield "vedette_stills_kept", {}, stills.kept
    yield "vedette_stills_bytes", {}, stills.bytes
    yield "vedette_stills_max_bytes", {}, stills.max_bytes
    yield "vedette_stills_written_total", {}, stills.written
    for reason, count in stills.deleted.items():
        yield "vedette_stills_deleted_total", {"reason": reason}, count
    for reason, count in stills.dropped.items():
        yield "vedette_stills_dropped_total", {"reason": reason}, count
    outbox = status.outbox
    yield "vedette_outbox_pending_records", {}, outbox.pending
    yield "vedette_outbox_parked_records", {}, outbox.parked
    yield "vedette_outbox_queued_records", {}, outbox.queued
    yield "vedette_outbox_bytes", {}, outbox.bytes
    yield "vedette_outbox_max_bytes", {}, outbox.max_bytes
    if outbox.oldest_age is not None:
        yield "vedette_outbox_oldest_age_seconds", {}, outbox.oldest_age
    yield "vedette_outbox_committed_total", {}, outbox.committed
    yield "vedette_outbox_kept_records", {}, outbox.kept
    yield "vedette_outbox_settled_total", {}, outbox.settled
    yield "vedette_outbox_resent_total", {}, outbox.resent
    yield "vedette_outbox_sacrificed_total", {}, outbox.sacrificed
    for reason, count in outbox.refused.items():
        yield "vedette_outbox_refused_total", {"reason": reason}, count
    yield "vedette_outbox_damaged_total", {}, outbox.damaged
    yield "vedette_outbox_quarantined_files", {}, outbox.quarantined
    yield "vedette_outbox_salvaged_total", {}, outbox.salvaged
    yield "vedette_outbox_writable", {}, int(not outbox.fault)
    uplink = status.uplink
    yield "vedette_uplink_up", {}, int(uplink.state in ("idle", "sending"))
    yield "vedette_uplink_heartbeats_total", {}, uplink.heartbeats
    yield "vedette_uplink_missing_records", {}, uplink.missing
    if uplink.last_success_age is not None:
        yield "vedette_uplink_last_success_age_seconds", {}, uplink.last_success_age
    yield "vedette_uplink_batches_total", {}, uplink.batches
    yield "vedette_uplink_sent_bytes_total", {}, uplink.sent_bytes
    for outcome, count in uplink.outcomes.items():
        yield "vedette_uplink_records_total", {"outcome": outcome}, count
    for kind, count in uplink.faults.items():
        yield "vedette_uplink_faults_total", {"kind": kind}, count
    yield "vedette_uplink_cap_bytes_per_second", {}, uplink.cap
    yield "vedette_uplink_capped", {}, int(uplink.capped)
    yield "vedette_uplink_capped_batches_total", {}, uplink.capped_batches
    yield "vedette_uplink_capped_seconds_total", {}, round(uplink.capped_s, 3)
    if uplink.clock_offset is not None:
        yield "vedette_uplink_clock_offset_seconds", {}, uplink.clock_offset / 1000


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class HealthServer:
    """GET /health and GET /metrics on 127.0.0.1. Port 0 takes a free one; `port` tells which."""

    def __init__(self, snapshot: Callable[[], EdgeStatus], port: int = 0) -> None:
        """Raises OSError where the port is taken. `snapshot` is called from the server's threads."""

        class Handler(_Handler):
            status = staticmethod(snapshot)

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Idempotent."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    status: Callable[[], EdgeStatus]
    timeout = 5  # seconds for a client that sends nothing
    server_version = "vedette"
    sys_version = ""

    def do_GET(self) -> None:
        # A page in a browser on this machine could otherwise read it under a name that points here.
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in ("127.0.0.1", "localhost"):
            self._answer(403, "text/plain; charset=utf-8", b"ask for 127.0.0.1\n")
        elif self.path == "/health":
            self._answer(200, "application/json", to_json(self.status()))
        elif self.path == "/metrics":
            self._answer(200, "text/plain; version=0.0.4; charset=utf-8", to_prometheus(self.status()).encode())
        else:
            self._answer(404, "text/plain; charset=utf-8", b"here are /health and /metrics\n")

    def log_message(self, *_: object) -> None:
        """A scrape a few times a minute is no news."""

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
