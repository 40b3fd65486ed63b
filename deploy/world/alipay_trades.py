"""Alipay's records and how they read in answers and notifications.

Source: our reference page on payments, sections 1.4 to 1.8.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.world import times
from deploy.world.alipay_wire import Json, fen, stamp, yuan
from deploy.world.people import Buyer


@dataclass(slots=True)
class Charge:
    """amount: fen. refunds: by out_request_no, in fen."""

    trade_no: str
    amount: int
    payer: Buyer
    paid_at: datetime
    refunds: dict[str, int] = field(default_factory=dict)
    refunded_at: dict[str, datetime] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        return sum(self.refunds.values())


@dataclass(slots=True)
class Declaration:
    """status: ws until it is sent, succ when customs has it. `told`: the comparison was answered once."""

    request: Json
    charge: Charge
    declare_no: str
    identity_check: str
    status: str = "ws"
    told: bool = False
    modified_at: datetime = field(default_factory=times.now)


@dataclass(slots=True)
class Trade:
    """One out_trade_no. To Alipay it exists only when a buyer opened the code."""

    request: Json
    notify_url: str
    qr_code: str
    opened: bool = False
    closed: bool = False
    charges: list[Charge] = field(default_factory=list)

    @property
    def no(self) -> str:
        return str(self.request["out_trade_no"])

    @property
    def total(self) -> int:
        return fen(self.request["total_amount"])

    @property
    def status(self) -> str:
        if self.charges:
            whole = all(charge.refunded == charge.amount for charge in self.charges)
            return "TRADE_CLOSED" if whole else "TRADE_SUCCESS"
        return "TRADE_CLOSED" if self.closed else "WAIT_BUYER_PAY"

    @property
    def expired(self) -> bool:
        expires = str(self.request.get("time_expire") or "")
        if not expires:
            return False
        end = datetime.strptime(expires, "%Y-%m-%d %H:%M:%S").replace(tzinfo=times.CHINA)
        return times.now() > end

    def charge(self, trade_no: str = "") -> Charge | None:
        """The first charge, or the one with that number."""
        return next((one for one in self.charges if trade_no in {"", one.trade_no}), None)


def queried(trade: Trade) -> Json:
    charge = trade.charge()
    told: Json = {"out_trade_no": trade.no, "trade_status": trade.status, "subject": trade.request["subject"]}
    if charge is None:
        return told | {"trade_no": "", "total_amount": yuan(trade.total)}
    amount = yuan(charge.amount)
    return told | {
        "trade_no": charge.trade_no,
        "total_amount": amount,
        "receipt_amount": amount,
        "buyer_pay_amount": amount,
        "buyer_user_id": payer_id(charge),
        "buyer_logon_id": "159****0001",
        "send_pay_date": stamp(charge.paid_at),
        "fund_bill_list": [{"amount": amount, "fund_channel": "ALIPAYACCOUNT"}],
    }


def refunded(trade: Trade, charge: Charge, number: str, *, moved: bool) -> Json:
    """`refund_fee` is cumulative; a repetition moves nothing and says N."""
    told: Json = {
        "out_trade_no": trade.no,
        "trade_no": charge.trade_no,
        "buyer_logon_id": "159****0001",
        "fund_change": "Y" if moved else "N",
        "refund_fee": yuan(charge.refunded),
    }
    return told | {"gmt_refund_pay": stamp(charge.refunded_at[number])} if moved else told


def refund_found(trade: Trade, charge: Charge, number: str) -> Json:
    return {
        "out_trade_no": trade.no,
        "trade_no": charge.trade_no,
        "out_request_no": number,
        "total_amount": yuan(charge.amount),
        "refund_amount": yuan(charge.refunds[number]),
        "refund_status": "REFUND_SUCCESS",
        "gmt_refund_pay": stamp(charge.refunded_at[number]),
    }


def paid_notice(trade: Trade, charge: Charge, notify_id: str, app_id: str, seller_id: str) -> dict[str, str]:
    """All fields but the time of this delivery."""
    amount, at = yuan(charge.amount), stamp(charge.paid_at)
    return {
        "notify_id": notify_id,
        "notify_type": "trade_status_sync",
        "charset": "utf-8",
        "version": "1.0",
        "app_id": app_id,
        "auth_app_id": app_id,
        "seller_id": seller_id,
        "out_trade_no": trade.no,
        "trade_no": charge.trade_no,
        "trade_status": "TRADE_SUCCESS",
        "total_amount": amount,
        "receipt_amount": amount,
        "invoice_amount": amount,
        "buyer_pay_amount": amount,
        "point_amount": "0.00",
        "buyer_id": payer_id(charge),
        "buyer_logon_id": "159****0001",
        "subject": str(trade.request["subject"]),
        "gmt_create": at,
        "gmt_payment": at,
        "fund_bill_list": f'[{{"amount":"{amount}","fundChannel":"ALIPAYACCOUNT"}}]',
    }


def payer_id(charge: Charge) -> str:
    return f"2088{charge.payer.customer_id % 10**12:012d}"


def refuse_order(request: Json, notify_url: str) -> str:
    """The name of the parameter that cannot be taken; "" when all can."""
    number = str(request.get("out_trade_no", ""))
    if not 1 <= len(number) <= 64 or not number.replace("_", "").isalnum():
        return "out_trade_no"
    if not fen(request.get("total_amount", "")):
        return "total_amount"
    subject: Any = request.get("subject")
    if not subject or len(str(subject)) > 256 or set("/=&") & set(str(subject)):
        return "subject"
    if request.get("product_code") != "QR_CODE_OFFLINE":
        return "product_code"
    return "" if not notify_url or notify_url.startswith("http") else "notify_url"
