"""Every Standard Webhooks case of the vectors folder on the pure module, deliveries in order against an empty store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.orders.providers.canonical_json import as_json, stamp
from services.orders.providers.standard_webhooks import wire
from shared.errors import SignatureRefused
from tests.orders.providers.marketplace_cases import Case, Delivery, cases
from tests.orders.providers.receiver import Store, named

STANDARD = cases("standard_webhooks")


def arrives(case: Case, delivery: Delivery, store: Store) -> dict[str, Any]:
    """The answer and the message of one delivery, in the words of the vectors."""
    tolerance = timedelta(seconds=case.config["tolerance_s"])
    try:
        push = wire.verify([case.standard_connection()], delivery.headers, delivery.body, delivery.now, tolerance)
    except SignatureRefused as refused:
        return {"verify": "fail", "reject": refused.reason, "messages": []}
    message = {
        "dedupe_key": push.delivery_key,
        "topic": push.topic,
        "kind": push.kind and push.kind.value,
        "external_order_id": push.external_order_id,
        "occurred_at": stamp(push.triggered_at),
        "disposition": store.take(push, lambda: wire.parse(push).order),
        "external_status": push.external_status,
    }
    return {"verify": "ok", "reject": None, "messages": [message]}


@pytest.mark.parametrize("case", STANDARD, ids=lambda case: case.id)
def test_every_case_is_answered_and_stored_as_it_says(case: Case) -> None:
    store = Store()

    for delivery in case.deliveries:
        answer = arrives(case, delivery, store)
        assert named(answer, delivery.expect) == {key: delivery.expect[key] for key in answer}

    assert [as_json(order) for order in store.orders.values()] == case.expect_orders


def test_the_folder_holds_all_fourteen_cases() -> None:
    assert len(STANDARD) == 14
