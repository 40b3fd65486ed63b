"""Every receipt sequence: the state that it ends in and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from services.customs.documents import Kind
from services.customs.providers.ceb import statuses
from services.customs.providers.ceb.elements import read_time
from services.customs.receipts import Action, NotUnderstood, Progress, Receipt, advance, silence
from shared.errors import Unrecognised
from tests.customs import cases

KINDS = {
    "311": Kind.ORDER, "411": Kind.PAYMENT, "511": Kind.WAYBILL, "513": Kind.WAYBILL_STATUS, "621": Kind.INVENTORY,
    "623": Kind.CANCELLATION, "625": Kind.RETURN,
}  # fmt: skip
KNOWN = {action.value for action in Action}


def receipt(kind: Kind, arrival: Mapping[str, str]) -> Receipt:
    status = arrival["returnStatus"]
    try:
        reading = statuses.reading(kind, status)
    except Unrecognised:
        reading = NotUnderstood.NOT_UNDERSTOOD
    at = read_time(arrival["returnTime"])
    return Receipt(kind=kind, guid="G", status=status, reading=reading, at=at, info=arrival["returnInfo"], cop_no="C")


def run(kind: Kind, arrivals: list[Mapping[str, str]]) -> tuple[Progress, list[Action]]:
    progress, actions, claims = Progress(), list[Action](), set[str]()
    for one in (receipt(kind, arrival) for arrival in arrivals):
        if one.claim not in claims:
            claims.add(one.claim)
            step = advance(kind, progress, one.reading, one.at)
            progress, actions = step.progress, [*actions, *step.actions]
    return progress, actions if arrivals else list(silence(progress))


@pytest.mark.parametrize("case", **cases.named(cases.table("receipts/sequences.json")["sequences"]))
def test_a_sequence_of_receipts_ends_where_it_should(case: Mapping[str, Any]) -> None:
    progress, actions = run(KINDS[case["document"]], case["arrivals"])

    assert progress.state == case["expected_state"]
    # An action in words that are not ours belongs to whoever decides about the order.
    assert {action for action in case["expected_actions"] if action in KNOWN} <= set(actions)
    assert set(actions) - set(case["expected_actions"]) <= {Action.CALL_PERSON, Action.KEEP, Action.RESEND}


@pytest.mark.parametrize("case", **cases.named(cases.table("receipts/sequences.json")["sequences"]))
def test_any_order_of_arrival_ends_in_the_same_place(case: Mapping[str, Any]) -> None:
    """Except where a later attempt follows a rejection: there the earlier receipts are history."""
    kind, arrivals = KINDS[case["document"]], case["arrivals"]
    forwards, _ = run(kind, arrivals)
    backwards, actions = run(kind, arrivals[::-1])

    assert backwards.released_at == forwards.released_at
    if not {Action.KEEP, Action.WAIT} & set(actions):
        assert backwards.state == forwards.state
