from __future__ import annotations

import subprocess
import sys

import pytest

RUN = "import sys; sys.argv[1:] = {words}; from vedette.__main__ import main\ntry: main()\nexcept SystemExit: pass\n"
TOLD = "print(*('loaded:' + name for name in sys.modules), sep='\\n')"


def loaded_by(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(words=list(words)) + TOLD], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return {line.removeprefix("loaded:") for line in done.stdout.splitlines() if line.startswith("loaded:")}


@pytest.mark.parametrize(
    ("words", "without"),
    [
        (("edge", "run", "--help"), {"fastapi", "central", "sqlite_utils"}),
        (("camera", "serve", "--help"), {"fastapi", "openvino", "edge", "central"}),
        (("central", "serve", "--help"), {"openvino", "cv2", "av", "edge"}),
        (("version",), {"fastapi", "openvino", "cv2", "edge", "central"}),
    ],
    ids=["edge", "camera", "central", "version"],
)
def test_a_command_loads_only_its_own_half(words, without):
    assert not loaded_by(*words) & without


def test_help_names_every_part():
    done = subprocess.run([sys.executable, "-m", "vedette", "--help"], capture_output=True, text=True, timeout=60)
    assert all(f" {word} " in done.stdout for word in ("edge", "central", "camera", "models", "demo", "schema"))
