from __future__ import annotations

from typing import get_args

from central import kinds
from contract.rules import Rule


def test_every_kind_of_rule_that_a_camera_can_have_is_known() -> None:
    union = get_args(Rule)[0]
    configured = {get_args(rule.model_fields["kind"].annotation)[0] for rule in get_args(union)}
    assert configured
    assert configured <= kinds.RULES
