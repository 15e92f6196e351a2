from __future__ import annotations

import pytest

from edge import credentials
from edge.errors import SettingsError


def write(tmp_path, text, mode=0o600):
    path = tmp_path / "credentials.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_reads_names_users_and_passwords(tmp_path):
    found = credentials.load(write(tmp_path, "gate:\n  username: viewer\n  password: 's3cr&t:@/'\n"))
    assert found["gate"].username == "viewer"
    assert found["gate"].password.reveal() == "s3cr&t:@/"


def test_a_password_does_not_print(tmp_path):
    found = credentials.load(write(tmp_path, "gate: {username: viewer, password: canary}"))
    assert "canary" not in f"{found} {found['gate'].password} {found['gate'].password!r}"


ROWS = {
    "others may read it": ("gate: {username: a, password: b}", 0o644, "others may read it"),
    "not YAML": ("gate: {username: [", 0o600, "not YAML"),
    "a list": ("- a\n- b\n", 0o600, "want names"),
    "no password": ("gate: {username: a}", 0o600, "gate: want username and password"),
    "a password of digits": ("gate: {username: a, password: 1234}", 0o600, "gate: want username and password"),
    "something else": ("gate: {username: a, password: canary, host: c}", 0o600, "gate: want username and password"),
}


@pytest.mark.parametrize(("text", "mode", "message"), ROWS.values(), ids=ROWS)
def test_says_what_is_wrong_but_no_secret(tmp_path, text, mode, message):
    with pytest.raises(SettingsError, match=message) as caught:
        credentials.load(write(tmp_path, text, mode))
    assert caught.value.hint
    assert "canary" not in str(caught.value) + caught.value.hint


def test_missing(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        credentials.load(tmp_path / "none.yaml")
