"""What a user of Ultralytics would write for many cameras: run by an interpreter that has the library.

    python -I plain_loop.py WEIGHTS CORE STRIDE URL...
    python -I plain_loop.py --missing                   # names what this interpreter lacks

It is the form of "Multithreaded Tracking" on the library's own page about tracking: a thread a stream, each with a
model of its own and `model.track(stream, stream=True)`; their loader reads and decodes the stream in a further thread
and keeps the newest picture. `vid_stride` is their way to look at one picture in STRIDE. ByteTrack, 640 px on the long
side, all else as they set it, on one core with one thread of torch.

stdout: a JSON line once every camera has been looked at LIVE_LOOKS times, and one more for each line on stdin; the end
of stdin ends it. `looks` so far; `at`, seconds; `cpu_s`, of the whole process; `looking_cpu_s`, of the threads that
look, which is all but reading and decoding; `version` of the library.

Imports nothing but the standard library and what the library itself needs. Loads WEIGHTS, a pickle, unchecked: the
caller has compared its SHA-256.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import threading
import time
from typing import Any

NEEDS = ("ultralytics", "cv2", "lap")  # the last: by its trackers
LIVE_LOOKS = 10
LIVE_S = 120.0


def main(weights: str, core: str, stride: str, *urls: str) -> None:
    os.sched_setaffinity(0, {int(core)})  # before torch counts cores
    import torch
    import ultralytics

    ultralytics.settings.update(sync=False)  # no usage reports
    looks = [0] * len(urls)

    def look(camera: int) -> None:
        model = ultralytics.YOLO(weights)
        results: Any = model.track(
            urls[camera], stream=True, vid_stride=int(stride), tracker="bytetrack.yaml", imgsz=640, device="cpu",
            verbose=False,
        )  # fmt: skip
        for _ in results:
            if not looks[camera]:
                torch.set_num_threads(1)  # the library sets its own number when it begins
            looks[camera] += 1

    threads = [threading.Thread(target=look, args=(camera,), daemon=True) for camera in range(len(urls))]
    for thread in threads:
        thread.start()

    def tell() -> None:
        if not all(thread.is_alive() for thread in threads):
            sys.exit("a camera's loop has ended")
        looking = sum(time.clock_gettime(time.pthread_getcpuclockid(thread.ident or 0)) for thread in threads)
        told = {"looks": sum(looks), "at": time.monotonic(), "cpu_s": time.process_time(), "looking_cpu_s": looking}
        print(json.dumps(told | {"version": ultralytics.__version__}), flush=True)

    until = time.monotonic() + LIVE_S
    while min(looks) < LIVE_LOOKS:
        if time.monotonic() > until or not all(thread.is_alive() for thread in threads):
            sys.exit(f"not all cameras came alive: {looks} looks")
        time.sleep(0.1)
    tell()
    for _ in sys.stdin:
        tell()
    sys.stdout.flush()
    os._exit(0)  # their threads never end


if __name__ == "__main__":
    if sys.argv[1:] == ["--missing"]:
        print(*(name for name in NEEDS if importlib.util.find_spec(name) is None))
    else:
        main(*sys.argv[1:])
