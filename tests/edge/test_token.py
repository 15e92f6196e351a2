from __future__ import annotations

import pytest

from edge import token
from edge.errors import SettingsError

SECRET = "x" * 43
GOOD = f"vde_school-12.yard_a.{SECRET}"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv(token.VARIABLE, raising=False)


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def test_names_its_edge(tmp_path):
    found = token.load(write(tmp_path / "token", GOOD + "\n"), tmp_path)
    assert found.edge_id == "school-12.yard_a"
    assert found.text.reveal() == GOOD
    assert SECRET not in f"{found}"


def test_lies_in_the_data_folder_unless_said_otherwise(tmp_path, monkeypatch):
    write(tmp_path / "token", GOOD)
    assert token.load(None, tmp_path).edge_id == "school-12.yard_a"
    monkeypatch.setenv(token.VARIABLE, f"vde_other.{SECRET}")
    assert token.load(None, tmp_path).edge_id == "other"
    assert token.load(tmp_path / "token", tmp_path).edge_id == "school-12.yard_a"


ROWS = {
    "empty": ("", 0o600, "is empty"),
    "something else": ("hello", 0o600, "holds no token"),
    "without a name": (f"vde_.{SECRET}", 0o600, "holds no token"),
    "cut off": ("vde_school-12.abc", 0o600, "holds no token"),
    "two lines": (f"{GOOD}\n{GOOD}", 0o600, "holds no token"),
    "readable by others": (GOOD, 0o644, "others may read it"),
}


@pytest.mark.parametrize(("text", "mode", "message"), ROWS.values(), ids=ROWS)
def test_says_what_is_wrong_but_no_secret(tmp_path, text, mode, message):
    with pytest.raises(SettingsError, match=message) as caught:
        token.load(write(tmp_path / "token", text, mode), tmp_path)
    assert caught.value.hint
    assert SECRET not in str(caught.value) + caught.value.hint


def test_none_at_all_says_where_to_get_one(tmp_path):
    with pytest.raises(SettingsError, match="no token for central") as caught:
        token.load(None, tmp_path)
    assert "add-edge" in caught.value.hint
