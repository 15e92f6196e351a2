from __future__ import annotations

import re

import pytest

from central import credentials
from tests.central.harness import QUICK


def test_secrets_are_long_and_never_twice_the_same() -> None:
    for make in (lambda: credentials.edge_token("edge-1"), credentials.session_token, credentials.one_time_password):
        made = {make() for _ in range(200)}
        assert len(made) == 200
        assert min(map(len, made)) >= 20


def test_one_time_passwords_can_be_read_aloud() -> None:
    for _ in range(50):
        assert re.fullmatch(r"([a-hj-km-np-z2-9]{5}-){3}[a-hj-km-np-z2-9]{5}", credentials.one_time_password())


@pytest.mark.parametrize("kept", ["", "plain text", "$argon2id$v=19$broken"])
def test_what_is_no_hash_verifies_nothing(kept: str) -> None:
    assert not credentials.verify(QUICK, kept, kept)


def test_passwords_are_kept_as_argon2id() -> None:
    kept = QUICK.hash("right")
    assert kept.startswith("$argon2id$")
    assert credentials.verify(QUICK, kept, "right")
    assert not credentials.verify(QUICK, kept, "wrong")
