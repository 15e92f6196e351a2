"""The heartbeat's own form: what is read, and what is refused."""

from __future__ import annotations

import pytest

from contract import heartbeat
from contract.errors import WireError
from contract.heartbeat import Heartbeat, HeartbeatAnswer, Lost, Numbers, Span

FULL = Heartbeat(
    edge_id="edge-1",
    epochs=[Numbers(epoch=1, last=150), Numbers(epoch=2, last=0)],
    waiting=3,
    lost=[Lost(epoch=1, first=7, last=9, reason="damaged")],
)


def test_what_is_sent_is_what_is_read():
    assert heartbeat.decode(heartbeat.encode(FULL)) == FULL
    answer = HeartbeatAnswer(central_epoch=5, now=6, missing=[Span(epoch=1, first=2, last=2)])
    assert heartbeat.decode_answer(heartbeat.encode(answer)) == answer


def test_fields_of_a_newer_edge_are_passed_over():
    assert heartbeat.decode(heartbeat.encode(FULL)[:-1] + b',"later":[1]}') == FULL


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"edge-1"', b'"edge 1"'),
        (b'"first":7,"last":9', b'"first":9,"last":7'),
        (b'"first":7', b'"first":0'),
        (b'"last":150', b'"last":-1'),
        (b'"epochs":[{"epoch":1,"last":150},{"epoch":2,"last":0}]', b'"epochs":[]'),
        (b'"reason":"damaged"', b'"reason":""'),
        (b'"waiting":3', b'"waiting":"3"'),
        (b"{", b"", ),
        (b'"damaged"', b'"\xff"'),
        (b'"waiting":3', b'"waiting":' + b"[" * 9000),
        (b'"waiting":3', b'"waiting":3,"later":"' + b"x" * heartbeat.MAX_HEARTBEAT + b'"'),
    ],
)  # fmt: skip
def test_anything_else_is_refused(old, new):
    body = heartbeat.encode(FULL)
    assert body.count(old) >= 1
    with pytest.raises(WireError):
        heartbeat.decode(body.replace(old, new, 1))
