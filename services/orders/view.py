"""One order for people and scripts: tracks, money in minor units, personal data masked. Pure."""

from __future__ import annotations

from typing import Any

from services.orders.order import MoneyPlan, Order, Parcel


def view(order: Order) -> dict[str, Any]:
    papers = order.import_papers
    return {
        "id": order.id,
        "external_id": order.external_id,
        "seller": order.seller,
        "shop": order.shop,
        "channel": order.channel,
        "flow": order.flow,
        "placed_at": order.placed_at,
        "state": _tracks(order),
        "holds": list(order.holds),
        "awaits": order.awaited or None,
        "conflicts": order.conflicts,
        "cases": list(order.cases),
        "reason": order.reason,
        "amounts": order.amounts,
        "valuation": order.valuation,
        "lines": [{"sku": line.sku, "title": line.title, "quantity": line.quantity} for line in order.lines],
        "person": order.person.masked if order.person else None,
        "recipient": order.recipient.masked,
        "collected_by": order.collected_by,
        "ship_by": order.ship_by,
        "received_at": order.received_at,
        "clearance": order.clearance or None,
        "payment": _payment(order.money) if order.money.attempt or order.money.observed else None,
        "declaration": {
            "cop_no": papers.cop_no,
            "invt_no": papers.invt_no,
            "attempt": papers.attempt,
            "reason": papers.reason,
        },
        "parcels": {parcel_id: _parcel(parcel) for parcel_id, parcel in order.parcels.items()},
        "funds_due_at": order.release_due_at,
    }


def _tracks(order: Order) -> dict[str, Any]:
    return {
        "intent": order.intent,
        "money": order.money.state,
        "goods": order.goods.state,
        "carriage": {parcel_id: parcel.state for parcel_id, parcel in order.parcels.items()},
        "papers": {role: trail.state for role, trail in order.papers.items()},
        "funds": order.funds,
    }


def _payment(money: MoneyPlan) -> dict[str, Any]:
    return {
        "qr": money.qr,
        "out_trade_no": money.out_trade_no,
        "amount": money.asked,
        "expires_at": money.expires_at,
        "transaction_id": money.transaction_id,
        "captured": money.captured,
        "paper": money.paper,
    }


def _parcel(parcel: Parcel) -> dict[str, Any]:
    return {
        "waybill_no": parcel.waybill_no,
        "milestone": parcel.milestone,
        "exit": parcel.exit,
        "confirmed": parcel.confirmed,
        "paper": parcel.paper,
    }
