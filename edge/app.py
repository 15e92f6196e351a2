"""The edge put together. The only module that knows every concrete class (but the detectors, see
`edge.detect.backends`); it also knows the order of ending.

Ending: cameras stop -> the analysis finishes its frame and closes open events -> queued stills are written -> the
outbox has committed the events -> the uplink gets a moment to send them -> all is closed. What the uplink does not
manage stays in the outbox for next time.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from uuid import UUID

import structlog

from contract.camera import Camera
from contract.errors import ConfigError, Problem
from edge.analysis import Analysis
from edge.cameras import CameraFiles, credential_problems, label_problems
from edge.clock import SystemClock
from edge.credentials import Credentials
from edge.detect import backends
from edge.detect.base import Detector
from edge.detect.card import load_card
from edge.errors import ModelError, OutboxError, SettingsError
from edge.health import CameraStatus, EdgeStatus, HealthServer, reasons
from edge.ids import uuid7
from edge.looks import LookQueue
from edge.outbox import Outbox
from edge.outbox.salvage import Salvage
from edge.pace import Pace
from edge.pacing import Pacer
from edge.pipeline import Analyst
from edge.records import left_open
from edge.settings import Settings
from edge.sources.base import Source
from edge.sources.knock import knock
from edge.sources.onvif import Catalogue, Onvif
from edge.sources.rtsp import RtspSource
from edge.stills import Stills
from edge.supervisor import Supervisor
from edge.types import Frame
from edge.uplink import Cap, Client, Uplink

log = structlog.get_logger(__name__)

CAMERAS_END_S = 1.5
ANALYSIS_ENDS_S = 1.0
STILLS_END_S = 0.2  # to queue the end, and again to get there
DRAIN_S = 1.0
TIER_WEIGHTS = {1: 4.0, 2: 2.0, 3: 1.0}  # looks of a camera against those of others, where not all can be made
LATE_LOOKS_S = 0.5  # looks that wait longer: the edge does not keep up with the cameras it has
UPLINK_ENDS_S = 1.0  # a connect in flight cannot be broken off


class Edge:
    """A whole edge. The constructor opens and checks everything; `start` begins; `close` ends, in under 5 s.

    Cameras whose files are wrong are told of and left out. Raises SettingsError, OutboxError; ConfigError where no
    camera is left.
    """

    def __init__(self, settings: Settings, files: CameraFiles) -> None:
        self._clock = SystemClock()
        self._chance = random.SystemRandom()
        with ExitStack() as undo:
            self._detectors, self._cameras, self._problems = _fit(settings, files)
            for detector in self._detectors.values():
                undo.callback(detector.close)
            if not self._cameras:
                raise ConfigError(self._problems)
            for problem in self._problems:
                where = {"file": problem.file, "line": problem.line, "at": problem.key, "value": problem.value}
                log.error("camera not watched", **where, fault=problem.message, hint=problem.hint)
            cap = Cap(settings.uplink_bytes)
            client = Client(
                settings.central,
                settings.token.text.reveal(),
                self._clock,
                ca_file=settings.ca_file,
                plain_http=settings.plain_http,
                cap=cap,
            )
            undo.callback(client.close)
            self._outbox = undo.enter_context(_open_outbox(settings, self._now_ms))
            self._salvage = Salvage(self._outbox)
            self._uplink = Uplink(self._outbox, client, self._clock, cap=cap)
            self._looks = LookQueue({camera.id: TIER_WEIGHTS[camera.tier] for camera in self._cameras.values()})
            self._paces = {camera.id: Pace(camera.detect.rate) for camera in self._cameras.values()}
            self._stills = Stills(
                settings.data / "stills", self._cameras, self._now_ms, max_bytes=settings.stills_mib << 20
            )
            self._outbox.on_full(self._stills.shed)
            self._analysts = self._make_analysts()
            self._analysis = Analysis(
                self._cameras,
                self._analysts,
                self._detectors,
                self._looks,
                self._outbox,
                self._clock,
                self._new_id,
                self._stills.offer,
            )
            self._reading = threading.Lock()  # held by the camera that reads what has come while it slept
            self._onvif = self._make_onvif(settings)
            self._supervisors = self._make_supervisors(settings)
            self._health = _open_health(self.status, settings.health_port)
            undo.pop_all()

    @property
    def cameras(self) -> int:
        """How many are watched."""
        return len(self._cameras)

    @property
    def health_port(self) -> int:
        return self._health.port

    def start(self) -> None:
        self._close_what_a_crash_left_open()
        self._salvage.start()
        self._uplink.start()
        self._stills.start()
        self._analysis.start()
        for supervisor in self._supervisors.values():
            supervisor.start()
        log.info("edge started", cameras=len(self._cameras), health=f"http://127.0.0.1:{self.health_port}/health")

    def close(self) -> None:
        for supervisor in self._supervisors.values():
            supervisor.stop()
        until = time.monotonic() + CAMERAS_END_S
        late = [name for name, each in self._supervisors.items() if not each.join(max(0.0, until - time.monotonic()))]
        self._analysis.stop(ANALYSIS_ENDS_S)
        self._stills.stop(STILLS_END_S)
        self._salvage.stop()
        self._drain()
        self._uplink.stop(UPLINK_ENDS_S)
        self._health.close()
        left = self._outbox.status().pending
        self._outbox.close()
        for detector in self._detectors.values():
            detector.close()
        log.info("edge stopped", left_to_send=left, hanging_cameras=late)

    def _close_what_a_crash_left_open(self) -> None:
        with suppress(OutboxError):  # they stand until a start finds room
            for record in self._outbox.standing():
                self._outbox.append(left_open(record, self._now_ms()))

    def _drain(self) -> None:
        """Wait a moment for the uplink, as long as central answers it."""
        until = time.monotonic() + DRAIN_S
        while time.monotonic() < until:
            outbox = self._outbox.status()
            if not outbox.pending + outbox.queued or self._uplink.status().state not in ("idle", "sending"):
                return
            threading.Event().wait(0.02)

    def status(self) -> EdgeStatus:
        now = self._clock.now()
        return EdgeStatus(
            outbox=self._outbox.status(),
            uplink=self._uplink.status(),
            cameras={name: self._camera_status(name, now) for name in self._cameras},
            not_watched=tuple(map(str, self._problems)),
            boxes_dropped={model: dict(detector.drops) for model, detector in self._detectors.items()},
            pixels={
                model: {"shown": mosaic.shown, "canvas": mosaic.canvas}
                for model, mosaic in self._analysis.mosaics.items()
            },
            stills=self._stills.status(),
            load=self._analysis.load(),
        )

    def log_health(self) -> None:
        """One line for those who have only the log."""
        status = self.status()
        why = reasons(status)
        say = log.warning if why else log.info
        say(
            "edge health",
            status="degraded" if why else "ok",
            why=why,
            events=sum(camera.events for camera in status.cameras.values()),
            pending=status.outbox.pending,
            parked=status.outbox.parked,
        )

    def _camera_status(self, name: str, now: float) -> CameraStatus:
        stream = self._supervisors[name].status
        watcher = self._supervisors[name].watcher
        counts, looks = watcher.counts, self._analysts[name].counts
        faults = watcher.view.faults  # asked once: the camera's own thread may change it at any moment
        blinding = next((kind for kind in faults if kind != "moved"), None)
        view: tuple[str, ...] = ("offline",) if self._analysis.offline(name) else faults
        state: str = stream.state
        onvif = self._onvif.get(name)
        why, hint = stream.last_fault, stream.hint
        if state == "live" and blinding:
            state, why, hint = "blind", f"the picture is {blinding}", "look at the camera, then at its picture"
        if state == "live" and (fault := self._analysis.faults.get(name)):
            state, why = "not looked at", fault
        if not self._analysis.is_running():
            state, why = "not looked at", "the analysis does not run"
        return CameraStatus(
            state=state,
            why=why,
            hint=hint,
            stream=onvif.chosen if onvif else "",
            clock_ahead=onvif.clock_ahead_s if onvif else None,
            last_frame_age=None if stream.last_picture is None else round(now - stream.last_picture, 3),
            frames=counts.pictures,
            packets=counts.packets,
            sleep=watcher.sleep.state,
            wakes=watcher.sleep.wakes.copy(),
            looks=looks.looks,
            whole_looks=dict(looks.whole),
            shown=round(looks.shown, 3),
            events=self._analysis.events[name],
            dropped={
                "overtaken": self._looks.overwritten[name],
                "undecodable": stream.undecodable,
                "behind": counts.passed,
                **self._analysis.dropped[name],
                **self._analysts[name].dropped(),
            },
            view=view,
        )

    def _make_analysts(self) -> dict[str, Analyst]:
        return {
            camera.id: Analyst(
                camera,
                self._paces[camera.id],
                self._detectors[camera.detect.model].class_names,
                self._detectors[camera.detect.model].confidence,
                self._clock.utc_ms,
                self._new_id,
            )
            for camera in self._cameras.values()
        }

    def _make_supervisors(self, settings: Settings) -> dict[str, Supervisor]:
        pacer = Pacer(self._clock, self._keeps_up)
        return {
            camera.id: Supervisor(
                camera,
                self._paces[camera.id],
                self._connect(settings, camera),
                partial(self._offer, camera.id),
                partial(self._analysis.note, camera.id),
                partial(self._analysis.heard, camera.id),
                partial(self._looks.miss, camera.id),
                pacer,
                self._clock,
                self._onvif[camera.id].prepare if camera.id in self._onvif else None,
                partial(knock, camera.source.url),
            )
            for camera in self._cameras.values()
        }

    def _make_onvif(self, settings: Settings) -> dict[str, Onvif]:
        """By camera, of those that are asked for their streams; cameras of one recorder share its catalogue."""
        catalogues: dict[tuple[object, ...], Catalogue] = {}
        made = {}
        for camera in self._cameras.values():
            source, credentials = camera.source, _credentials(settings, camera)
            if source.kind == "onvif":
                device = (source.url, source.credentials, source.open_timeout_s)
                catalogue = catalogues.setdefault(device, Catalogue(source, credentials, self._clock))
                open_stream = partial(
                    RtspSource, credentials=credentials, clock=self._clock, reading=self._reading, shown=source.url
                )
                made[camera.id] = Onvif(camera, credentials, self._clock, catalogue, open_stream)
        return made

    def _connect(self, settings: Settings, camera: Camera) -> Callable[[], Source]:
        if camera.id in self._onvif:
            return self._onvif[camera.id]
        return partial(RtspSource, camera.source, _credentials(settings, camera), self._clock, self._reading)

    def _keeps_up(self) -> bool:
        return self._analysis.is_ready() and self._looks.lag(self._clock.now()) < LATE_LOOKS_S

    def _offer(self, camera_id: str, frame: Frame) -> None:
        """In the camera's own thread."""
        if self._looks.offer(camera_id, frame):
            self._paces[camera_id].refund()

    def _new_id(self, utc_ms: int) -> UUID:
        return uuid7(utc_ms, self._chance.getrandbits(74))

    def _now_ms(self) -> int:
        return self._clock.utc_ms(self._clock.now())


def _open_detector(settings: Settings, model: str) -> Detector:
    log.info("preparing the model", model=model)
    card = load_card(settings.models / model / "card.yaml")
    threads = settings.threads  # each at a picture of its own: many cameras wait
    return backends.detector(card, settings.backend, threads=threads, at_once=threads, device=settings.device)


def _open_outbox(settings: Settings, now_ms: Callable[[], int]) -> Outbox:
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{settings.data}: {error.strerror}", hint="give a folder that can be written") from error
    return Outbox(settings.data / "outbox.db", settings.token.edge_id, now_ms=now_ms)


def _open_health(status: Callable[[], EdgeStatus], port: int) -> HealthServer:
    try:
        return HealthServer(status, port)
    except OSError as error:
        raise SettingsError(f"health port {port}: {error.strerror}", hint="take another, or 0 for any") from error


def _credentials(settings: Settings, camera: Camera) -> Credentials | None:
    return settings.credentials.get(camera.source.credentials or "")


def _fit(settings: Settings, files: CameraFiles) -> tuple[dict[str, Detector], dict[str, Camera], list[Problem]]:
    """One detector a model, shared by all cameras that name it; the cameras that can be watched; and why others not."""
    detectors: dict[str, Detector] = {}
    broken: dict[str, ModelError] = {}
    cameras: dict[str, Camera] = {}
    problems = list(files.problems)
    for file, camera in files.cameras.items():
        model = camera.detect.model
        if model not in detectors and model not in broken:
            try:
                detectors[model] = _open_detector(settings, model)
            except ModelError as error:
                broken[model] = error
        if model in broken:
            problems.append(Problem(file, 0, "detect.model", model, str(broken[model]), broken[model].hint))
            continue
        found = label_problems(file, camera, detectors[model].class_names)
        found += credential_problems(file, camera, settings.credentials)
        problems += found
        if not found:
            cameras[camera.id] = camera
    return detectors, cameras, problems
