"""Ship-confirm by the GraphQL Admin API: requests and answers. Pure.

First the order is asked for its open fulfilment orders and for fulfilments that exist; a confirmation whose answer was
lost is found there and is not made twice. Names of fields: Shopify's GraphQL Admin reference (unconfirmed against a
live shop; the API version is a setting).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.orders.providers.base import ShipmentNotice
from shared.errors import BadInput, Permanent, Transient, told
from shared.http.payload import Fields, read_object

_LOOK: Final = """query orderShipping($id: ID!) { order(id: $id) {
 fulfillmentOrders(first: 50) { nodes { id status } }
 fulfillments(first: 50) { id status trackingInfo { number } } } }"""
_CREATE: Final = """mutation fulfillmentCreate($fulfillment: FulfillmentInput!) {
 fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id status } userErrors { field message } } }"""
_OPEN: Final = frozenset({"OPEN", "IN_PROGRESS", "SCHEDULED"})
_DEAD: Final = frozenset({"CANCELLED", "ERROR", "FAILURE"})
_LATER: Final = frozenset({"THROTTLED", "INTERNAL_SERVER_ERROR"})


class FulfilmentRefused(Permanent):
    """The shop does not take the confirmation: a person looks, nobody repeats it."""

    code = "orders.fulfilment-refused"


@dataclass(frozen=True, slots=True)
class Shipping:
    """What the shop knows of an order's shipping: ids still open, and ids per tracking number that exist."""

    open_ids: tuple[str, ...]
    confirmed: Mapping[str, tuple[str, ...]]


def build_look(external_order_id: str) -> bytes:
    return _request(_LOOK, {"id": f"gid://shopify/Order/{external_order_id}"})


def parse_look(body: bytes) -> Shipping:
    order = _data(body).maybe_child("order")
    if order is None:
        raise FulfilmentRefused("the shop does not know the order")
    nodes = order.child("fulfillmentOrders").children("nodes")
    open_ids = tuple(node.text("id") for node in nodes if node.text("status") in _OPEN)
    return Shipping(open_ids, _confirmed(order.children("fulfillments")))


def _confirmed(fulfilments: Sequence[Fields]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for fulfilment in fulfilments:
        if fulfilment.text("status") not in _DEAD:
            for tracking in fulfilment.children("trackingInfo"):
                number = tracking.maybe_text("number") or ""
                found[number] = (*found.get(number, ()), fulfilment.text("id"))
    return found


def build_create(notice: ShipmentNotice, open_ids: Sequence[str]) -> bytes:
    """One fulfilment of everything that is open, under the notice's tracking number; the buyer is told by the shop."""
    tracking = {"company": notice.carrier, "number": notice.tracking_no}
    if notice.tracking_url is not None:
        tracking["url"] = notice.tracking_url
    items = [{"fulfillmentOrderId": one} for one in open_ids]
    return _request(
        _CREATE,
        {"fulfillment": {"lineItemsByFulfillmentOrder": items, "trackingInfo": tracking, "notifyCustomer": True}},
    )


def parse_create(body: bytes) -> str:
    """The new fulfilment's id. FulfilmentRefused where the shop names errors."""
    answer = _data(body).child("fulfillmentCreate")
    if errors := answer.children("userErrors"):
        raise FulfilmentRefused("; ".join(error.text("message")[:200] for error in errors[:5]))
    return answer.child("fulfillment").text("id")


def _request(query: str, variables: Mapping[str, Any]) -> bytes:
    return json.dumps({"query": query, "variables": variables}, ensure_ascii=False, separators=(",", ":")).encode()


def _data(body: bytes) -> Fields:
    """The `data` of an answer. Errors that pass by themselves are Transient, any other is a refusal."""
    answer = read_object(body)
    for error in answer.children("errors"):
        extensions = error.maybe_child("extensions")
        code = extensions.maybe_text("code") if extensions else None
        if code in _LATER:
            raise Transient(f"shopify.{code}")
        raise FulfilmentRefused(f"the shop refused the query: {told(code or 'none')}")
    try:
        return answer.child("data")
    except BadInput as error:
        raise FulfilmentRefused("the shop's answer has no data") from error
