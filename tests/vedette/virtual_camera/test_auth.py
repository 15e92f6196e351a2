import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.virtual_camera.auth import Auth, challenge, digest, is_stale, parameters, verify

NONCE = "0123456789abcdef"
BASIC = Auth("basic", "desk", "p:ss wörd")
DIGEST = Auth("digest", "desk", "p:ss wörd")
SHA = Auth("digest", "desk", "p:ss wörd", "SHA-256")


@pytest.mark.parametrize(
    ("values", "user", "password", "want"),
    [
        pytest.param(
            'realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", '
            'qop=auth, nc=00000001, cnonce="0a4f113b"',
            "Mufasa",
            "Circle Of Life",
            "6629fae49393a05397450978507c4ef1",
            id="RFC 2617, 3.5",
        ),
        pytest.param(
            'realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
            'uri="/dir/index.html", algorithm=MD5, qop=auth, nc=00000001, '
            'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"',
            "Mufasa",
            "Circle of Life",
            "8ca523f5e9506fed4657c9700eebdbec",
            id="RFC 7616, 3.9.1, MD5",
        ),
        pytest.param(
            'realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
            'uri="/dir/index.html", algorithm=SHA-256, qop=auth, nc=00000001, '
            'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"',
            "Mufasa",
            "Circle of Life",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            id="RFC 7616, 3.9.1, SHA-256",
        ),
    ],
)
def test_the_rfcs_own_examples(values, user, password, want):
    assert digest(parameters(values), "GET", user, password) == want


def answer(auth: Auth, *, nonce: str = NONCE, method: str = "DESCRIBE", **changes: str) -> str:
    values = parameters(challenge(auth, nonce)[7:]) | {"username": auth.user, "uri": "rtsp://h/gate"}
    values |= changes
    values["response"] = digest(values, method, auth.user, auth.password)
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in values.items())


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("auth", "header", "right"),
    [
        pytest.param(Auth(), "", True, id="none asked"),
        pytest.param(BASIC, basic("desk:p:ss wörd"), True, id="basic"),
        pytest.param(BASIC, basic("desk:wrong"), False, id="basic, wrong password"),
        pytest.param(BASIC, basic("desk"), False, id="basic, no password"),
        pytest.param(BASIC, "Basic ???", False, id="basic, not base64"),
        pytest.param(BASIC, "", False, id="basic, nothing"),
        pytest.param(BASIC, answer(DIGEST), False, id="digest where basic is asked"),
        pytest.param(DIGEST, answer(DIGEST), True, id="digest"),
        pytest.param(DIGEST, answer(DIGEST, qop="auth", nc="00000001", cnonce="x"), True, id="digest, qop"),
        pytest.param(SHA, answer(SHA), True, id="digest, SHA-256"),
        pytest.param(SHA, answer(DIGEST), False, id="digest, weaker hash than asked"),
        pytest.param(DIGEST, answer(DIGEST, nonce="old"), False, id="digest, another nonce"),
        pytest.param(DIGEST, answer(DIGEST, method="PLAY"), False, id="digest, made for another method"),
        pytest.param(DIGEST, answer(DIGEST, username="x"), False, id="digest, another user"),
        pytest.param(DIGEST, answer(DIGEST, realm="x"), False, id="digest, another realm"),
        pytest.param(DIGEST, answer(Auth("digest", "desk", "wrong")), False, id="digest, wrong password"),
        pytest.param(DIGEST, basic("desk:p:ss wörd"), False, id="basic where digest is asked"),
    ],
)
def test_verify(auth, header, right):
    assert verify(auth, header, "DESCRIBE", NONCE) is right


@given(st.sampled_from([BASIC, DIGEST, SHA]), st.sampled_from(["", "Basic ", "Digest "]), st.text(max_size=80))
def test_any_other_header_is_wrong_never_a_crash(auth, scheme, text):
    assert verify(auth, scheme + text, "DESCRIBE", NONCE) is False


def test_stale_is_an_answer_to_another_nonce():
    assert is_stale(answer(DIGEST, nonce="old"), NONCE)
    assert not is_stale(answer(DIGEST), NONCE)
    assert not is_stale("", NONCE)
    assert "stale=true" in challenge(DIGEST, NONCE, stale=True)


def test_a_scheme_needs_user_and_password_and_the_password_is_not_shown():
    with pytest.raises(ValueError, match="needs a user and a password"):
        Auth("digest", "desk")
    assert "wörd" not in repr(DIGEST)
