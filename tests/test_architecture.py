"""Imports flow one way, as docs/architecture.md draws it."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("contract", "edge", "central", "vedette")

MAY_IMPORT = {
    "contract": {"contract"},
    "edge": {"edge", "contract"},
    "central": {"central", "contract"},
    "vedette": set(PACKAGES),
}

# Pure modules: values in, values out.
PURE = {
    "contract": {"msgspec", "pydantic", "yaml", "zstandard"},
    "edge.types": {"numpy"},
    "edge.errors": set(),
    "edge.ids": set(),
    "edge.retry": set(),
    "edge.uplink.cap": set(),
    "edge.records": {"msgspec"},
    "edge.outbox.carve": {"msgspec"},
    "edge.gate": {"numpy", "cv2"},
    "edge.pace": set(),
    "edge.load": set(),
    "edge.overload": set(),
    "edge.mask": {"numpy", "cv2"},
    "edge.view": {"numpy", "cv2"},
    "edge.blur": {"numpy", "cv2"},
    "edge.draw": {"numpy", "cv2"},
    "edge.why": {"msgspec"},
    "edge.detect.base": set(),
    "edge.detect.choices": set(),
    "edge.detect.yolo": {"numpy", "cv2"},
    "edge.detect.refused": set(),
    "edge.detect.pack": set(),
    "edge.detect.mosaic": {"numpy", "cv2"},
    "edge.regions": {"numpy", "cv2"},
    "edge.track": {"numpy"},
    "edge.rules": set(),
    "central.errors": {"fastapi", "starlette", "msgspec", "structlog"},
    "central.store.base": {"msgspec"},
    "central.clocks": set(),
    "central.store.gaps": set(),
    "vedette.virtual_camera.rtp": set(),
    "vedette.virtual_camera.rtsp": set(),
    "vedette.virtual_camera.sdp": set(),
    "vedette.virtual_camera.auth": set(),
}
NO_IO = {
    "socket",
    "subprocess",
    "sqlite3",
    "threading",
    "asyncio",
    "time",
    "os",
    "random",
    "secrets",
    "http",
    "urllib.request",
}

ONLY_IN = {
    "the edge's clock": ("edge", {"edge.clock", "edge.app", "edge.replay_cli", "edge.replay"}, {"time"}),
    "concrete detectors": (
        "edge",
        {"edge.detect.backends"},
        {"edge.detect.openvino", "edge.detect.onnx", "edge.detect.ultralytics"},
    ),
    "concrete sources": (
        "edge",
        {"edge.app", "edge.replay_cli", "edge.replay"},
        {"edge.sources.rtsp", "edge.sources.onvif", "edge.sources.file"},
    ),
    "the concrete store": ("central", {"central.app", "central.control"}, {"central.store.sqlite"}),
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


MODULES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


@pytest.mark.parametrize("name", MODULES)
def test_packages_import_only_what_they_may(name):
    package = name.partition(".")[0]
    others = {top for top in (i.partition(".")[0] for i in imports(MODULES[name])) if top in PACKAGES}
    assert others <= MAY_IMPORT[package]


@pytest.mark.parametrize("name", [name for name in MODULES if any(within(name, pure) for pure in PURE)])
def test_pure_modules_do_no_io(name):
    allowed = set().union(*(libraries for pure, libraries in PURE.items() if within(name, pure)))
    for each in imports(MODULES[name]):
        assert each not in NO_IO, f"{name} imports {each}"
        top = each.partition(".")[0]
        assert top in sys.stdlib_module_names or top in PACKAGES or top in allowed, f"{name} imports {each}"


@pytest.mark.parametrize(("package", "where", "what"), ONLY_IN.values(), ids=ONLY_IN)
def test_only_there(package, where, what):
    users = {name for name, path in MODULES.items() if within(name, package) and imports(path) & what}
    assert users <= where


def test_the_contract_needs_neither_numpy_nor_a_side():
    for name, path in MODULES.items():
        if within(name, "contract"):
            assert not {
                i for i in imports(path) if i.partition(".")[0] in ("numpy", "cv2", "edge", "central", "vedette")
            }


@pytest.mark.parametrize("name", MODULES)
def test_no_module_is_a_giant(name):
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= 600


def test_no_module_is_named_after_nothing():
    vague = {"utils", "util", "helpers", "misc", "common", "manager"}
    assert not {name for name in MODULES if set(name.split(".")) & vague}


def test_every_package_draws_its_errors_once():
    for package in ("contract", "edge", "central"):
        kinds = {
            node.name
            for name, path in MODULES.items()
            if within(name, package) and not name.endswith(".errors")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ClassDef)
            and any(getattr(b, "id", "").endswith(("Error", "Exception")) for b in node.bases)
        }
        assert not kinds, f"{package}: {kinds} belong into errors.py"
