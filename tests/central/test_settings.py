from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from central.errors import SettingsError
from central.settings import Settings

CERT = {"tls_cert": Path("cert.pem"), "tls_key": Path("key.pem")}


@pytest.mark.parametrize(
    ("given", "secure"),
    [
        ({}, False),
        ({"host": "::1"}, False),
        ({"host": "localhost"}, False),
        ({"host": "127.0.0.2"}, False),
        ({"host": "0.0.0.0", **CERT}, True),
        ({"host": "0.0.0.0", "behind_proxy": True}, True),
        ({"host": "10.1.2.3", "behind_proxy": True}, True),
    ],
    ids=str,
)
def test_sound(given: dict[str, Any], secure: bool) -> None:
    assert Settings(data=Path("d"), **given).secure_cookies is secure


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"host": "0.0.0.0"}, "would send passwords and tokens in clear"),
        ({"host": "::"}, "would send passwords and tokens in clear"),
        ({"host": "localhost.example.org"}, "would send passwords and tokens in clear"),
        ({"host": ""}, "would send passwords and tokens in clear"),
        ({"port": -1}, "there is no port -1"),
        ({"port": 65536}, "there is no port 65536"),
        ({"tls_cert": Path("cert.pem")}, "TLS needs both files"),
        ({"desk_queue": 0}, "desk_queue must be above 0"),
    ],
    ids=str,
)
def test_unsound(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings(data=Path("d"), **given)
