"""WeChat Pay's records and how they read in answers and notifications.

Source: our reference page on payments, sections 3.5 to 3.8.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.world import times
from deploy.world.people import Buyer

Json = dict[str, Any]
Reply = tuple[int, Json | None]


@dataclass(slots=True)
class Charge:
    """amount, refunded: fen; `refunded` counts what was asked back, done or not."""

    transaction_id: str
    amount: int
    payer: Buyer
    paid_at: datetime
    refunded: int = 0


@dataclass(slots=True)
class Declaration:
    """state: UNDECLARED until customs has it, then SUCCESS."""

    fields: dict[str, str]
    check: str
    state: str = "UNDECLARED"
    modified_at: datetime = field(default_factory=times.now)
    explanation: str = ""


@dataclass(slots=True)
class Trade:
    request: Json
    code_url: str
    closed: bool = False
    charges: list[Charge] = field(default_factory=list)
    declarations: dict[str, Declaration] = field(default_factory=dict)  # by customs office

    @property
    def no(self) -> str:
        return str(self.request["out_trade_no"])

    @property
    def total(self) -> int:
        return int(self.request["amount"]["total"])

    @property
    def state(self) -> str:
        if self.charges:
            return "REFUND" if any(charge.refunded for charge in self.charges) else "SUCCESS"
        return "CLOSED" if self.closed else "NOTPAY"

    @property
    def expired(self) -> bool:
        expires = self.request.get("time_expire")
        return bool(expires) and times.now() > datetime.fromisoformat(str(expires))

    def charge(self, transaction_id: str = "") -> Charge | None:
        """The first charge, or the one with that number."""
        found = (one for one in self.charges if transaction_id in {"", one.transaction_id})
        return next(found, None)


@dataclass(slots=True)
class Refund:
    request: Json
    refund_id: str
    trade: Trade
    charge: Charge
    created_at: datetime
    status: str = "PROCESSING"
    success_at: datetime | None = None

    @property
    def number(self) -> str:
        return str(self.request["out_refund_no"])

    @property
    def amount(self) -> int:
        return int(self.request["amount"]["refund"])


def unpaid(trade: Trade) -> Json:
    """Most fields of a trade nobody paid are absent."""
    words = {"NOTPAY": "订单未支付", "CLOSED": "订单已关闭"}
    amount = {"total": trade.total, "currency": "CNY"}
    return {**_base(trade), "trade_state": trade.state, "trade_state_desc": words[trade.state], "amount": amount}


def paid(trade: Trade, charge: Charge, state: str) -> Json:
    """A charge as a query answers it and as its notification tells it."""
    return {
        **_base(trade),
        "transaction_id": charge.transaction_id,
        "trade_type": "NATIVE",
        "trade_state": state,
        "trade_state_desc": "支付成功" if state == "SUCCESS" else "转入退款",
        "bank_type": "OTHERS",
        "attach": trade.request.get("attach", ""),
        "success_time": times.rfc3339(charge.paid_at),
        "payer": {"openid": f"oTEST{charge.payer.customer_id:023d}"},
        "amount": {
            "total": charge.amount,
            "payer_total": charge.amount,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }


def refund_answer(refund: Refund) -> Json:
    total = refund.charge.amount
    done = {"success_time": times.rfc3339(refund.success_at)} if refund.success_at else {}
    amount = {
        "total": total,
        "refund": refund.amount,
        "payer_total": total,
        "payer_refund": refund.amount,
        "settlement_refund": refund.amount,
        "settlement_total": total,
        "discount_refund": 0,
        "currency": "CNY",
        "from": [],
        "refund_fee": 0,
    }
    return {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.number,
        "transaction_id": refund.charge.transaction_id,
        "out_trade_no": refund.trade.no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": times.rfc3339(refund.created_at),
        "status": refund.status,
        "funds_account": "AVAILABLE",
        "amount": amount,
        "promotion_detail": [],
        **done,
    }


def refund_content(refund: Refund) -> Json:
    """The notification says `refund_status` where the API says `status`."""
    total = refund.charge.amount
    return {
        "mchid": refund.trade.request["mchid"],
        "out_trade_no": refund.trade.no,
        "transaction_id": refund.charge.transaction_id,
        "out_refund_no": refund.number,
        "refund_id": refund.refund_id,
        "refund_status": refund.status,
        "user_received_account": "支付用户零钱",
        "amount": {"total": total, "refund": refund.amount, "payer_total": total, "payer_refund": refund.amount},
        "success_time": times.rfc3339(refund.success_at or times.now()),
    }


def refuse_order(request: Json, appid: str, mchid: str) -> str:
    """The name of the parameter that cannot be taken; "" when all can."""
    amount = request.get("amount")
    total = amount.get("total") if isinstance(amount, dict) else None
    if request.get("appid") != appid or request.get("mchid") != mchid:
        return "appid/mchid"
    if not 6 <= len(str(request.get("out_trade_no", ""))) <= 32:
        return "out_trade_no"
    if not isinstance(total, int) or isinstance(total, bool) or total < 1:
        return "amount.total"
    return "" if str(request.get("notify_url", "")).startswith("http") else "notify_url"


def refuse_refund(request: Json, charge: Charge) -> str:
    amount = request.get("amount")
    if not request.get("out_refund_no") or not isinstance(amount, dict):
        return "out_refund_no/amount"
    asked, total = amount.get("refund"), amount.get("total")
    if not isinstance(asked, int) or asked < 1 or total != charge.amount or amount.get("currency") != "CNY":
        return "amount"
    return "" if charge.refunded + asked <= charge.amount else "退款金额超过可退金额"


def _base(trade: Trade) -> Json:
    return {"mchid": trade.request["mchid"], "appid": trade.request["appid"], "out_trade_no": trade.no}
