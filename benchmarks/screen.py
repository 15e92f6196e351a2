"""From motion in the picture to a line on the screen, over real RTSP and in a real browser.

    python -m benchmarks screen [--cameras N] [--seconds S]

Prints one JSON line. The demo's clip is served by virtual cameras, each somewhat later than the one before; an edge and
a central run as processes; a headless Chromium shows the feed and notes when each event's line is drawn.

`happening_to_line_ms`  from the moment at which a person who watched the clip says that it happened (or, for a rule
                        with a duration, was due) to the drawn line. The hand-checked moments are good to about 0.3 s.
`picture_to_line_ms`    from the arrival at the edge of the picture in which the rule's condition held, to the line.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from vedette.demo.processes import Child, Children
from vedette.demo.run import CAMERA, CLIP, add_edge
from vedette.virtual_camera import Mount, VirtualCamera

CHROMIUM = "/usr/bin/chromium"
CLIP_S = 29.0
# Seconds into the clip: shared with the hand-checked truth of the clip that it was cut from.
HAPPENINGS = (("keep-off-lawn", 4.3), ("keep-off-lawn", 4.8), ("two-on-lawn", 9.0), ("lingering", 24.6))
TOLERANCE_S = 3.0
PASSWORD = "twelve characters and more"

_WATCH = """() => {
  window.drawn = {};
  const note = () => {
    for (const row of document.querySelectorAll('.row[id^="e-"]')) {
      window.drawn[row.id.slice(2)] ??= performance.timeOrigin + performance.now();
    }
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}"""


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks screen")
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=62.0)
    options = parser.parse_args(argv)
    mounts = [Mount(f"cam-{number}", CLIP, "first-play") for number in range(options.cameras)]
    with (
        tempfile.TemporaryDirectory() as folder,
        VirtualCamera(mounts) as camera,
        Children(Path(folder)) as children,
        sync_playwright() as browsers,
    ):
        root = Path(folder)
        address, login = _central(children, root)
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        _log_in(page, address, *login)
        page.evaluate(_WATCH)
        _edge(children, root, address, [(mount.name, camera.url(mount.name)) for mount in mounts])
        page.wait_for_timeout(1000 * options.seconds)
        drawn: dict[str, float] = page.evaluate("window.drawn")
        events = page.evaluate("fetch('/api/events?limit=200').then((answer) => answer.json())")["events"]
        started = {mount.name: camera.stats(mount.name).started for mount in mounts}
        browser.close()
    print(json.dumps(_figures(events, drawn, started) | {"cameras": options.cameras, "seconds": options.seconds}))
    return 0


def _central(children: Children, root: Path) -> tuple[str, tuple[str, str]]:
    central = children.start("central", "central", "serve", "--data", f"{root}/central", "--port", "0")
    login = central.wait_for(r"first login: (\S+)\s+one-time password: (\S+)", 30)
    return central.wait_for(r"listens on (\S+)", 30)[1], (login[1], login[2])


def _log_in(page: Page, address: str, user: str, one_time: str) -> None:
    page.goto(address)
    page.fill("input[name=name]", user)
    page.fill("input[type=password]", one_time)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/password"))
    for field, text in zip(
        page.query_selector_all("input[type=password]"), (one_time, PASSWORD, PASSWORD), strict=True
    ):
        field.fill(text)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")


def _edge(children: Children, root: Path, address: str, cameras: list[tuple[str, str]]) -> Child:
    folder = root / "cameras"
    folder.mkdir()
    text = CAMERA.read_text(encoding="utf-8")
    for name, url in cameras:
        mine = text.replace("id: plaza", f"id: {name}").replace("rtsp://camera.invalid/", url)
        (folder / f"{name}.yaml").write_text(mine, encoding="utf-8")
    edge = children.start(
        "edge", "edge", "run", "--configs", str(folder), "--central", address, "--data", f"{root}/edge",
        env={"VEDETTE_EDGE_TOKEN": add_edge(root / "central", "bench")},
    )  # fmt: skip
    edge.wait_for(r"health: (\S+)", 60)
    return edge


def _figures(events: list[dict[str, Any]], drawn: dict[str, float], started: dict[str, float | None]) -> dict[str, Any]:
    picture = [drawn[event["event_id"]] - event["opened_at"] for event in events if event["event_id"] in drawn]
    happening = []
    for event in events:
        start = started.get(event["camera_id"])
        if start is None or event["event_id"] not in drawn:
            continue
        into = (event["opened_at"] / 1000 - start) % CLIP_S
        due = [at for rule, at in HAPPENINGS if rule == event["rule"] and abs(into - at) < TOLERANCE_S]
        if due:
            nearest = min(due, key=lambda at: abs(into - at))
            happening.append(drawn[event["event_id"]] - event["opened_at"] + 1000 * (into - nearest))
    return {
        "benchmark": "screen",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "at": time.strftime("%Y-%m-%d", time.gmtime()),
        "events": len(events),
        "drawn": len(picture),
        "matched": len(happening),
        "picture_to_line_ms": _spread(picture),
        "happening_to_line_ms": _spread(happening),
    }


def _spread(values: list[float]) -> dict[str, float]:
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"p50": round(statistics.median(values)), "p95": round(cuts[-1]), "max": round(max(values))}
