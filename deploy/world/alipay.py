"""Alipay: codes, charges and refunds as the provider keeps them.

Source: our reference page on payments, sections 1.5 to 1.7. Unlike WeChat Pay it knows of a trade only when a buyer
opened its code, sends money back at once, and tells nobody of a refund or of a code that ran out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from uuid import uuid4

from deploy.world import alipay_trades, times
from deploy.world.alipay_customs import Declarations, Said
from deploy.world.alipay_trades import Charge, Trade
from deploy.world.alipay_wire import Json, fen, notification, stamp
from deploy.world.core import Core
from deploy.world.documents import PaymentDocument
from deploy.world.http_client import Answer
from deploy.world.people import Buyer
from deploy.world.sender import ALIPAY, Built, Delivery

HEADERS: Mapping[str, str] = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
CODE = "https://qr.alipay.com/"


class Alipay:
    def __init__(self, core: Core, to_customs: Callable[[PaymentDocument], None]) -> None:
        self._core = core
        self.trades: dict[str, Trade] = {}
        self._by_code: dict[str, Trade] = {}
        self._by_trade_no: dict[str, Trade] = {}
        self._serial = times.Serial(12)
        self.customs = Declarations(core, self._by_trade_no, to_customs)

    # --- what the merchant asks ---------------------------------------------------------------------------------------

    def precreate(self, request: Json, notify_url: str) -> Said:
        """The same parameters again give the same code; other ones under a used number fail."""
        if alipay_trades.refuse_order(request, notify_url):
            return "ACQ.INVALID_PARAMETER", {}
        trade = self.trades.get(str(request["out_trade_no"])) or self._open(request, notify_url)
        if trade.charges:
            return "ACQ.TRADE_HAS_SUCCESS", {}
        if trade.closed:
            return "ACQ.TRADE_HAS_CLOSE", {}
        if trade.request != request:
            return "ACQ.CONTEXT_INCONSISTENT", {}
        return "", {"out_trade_no": trade.no, "qr_code": trade.qr_code}

    def query(self, request: Json) -> Said:
        trade = self._opened(request)
        return ("ACQ.TRADE_NOT_EXIST", {}) if trade is None else ("", alipay_trades.queried(trade))

    def close(self, request: Json) -> Said:
        """Of a code that nobody opened there is no trade to close: it runs out by itself."""
        self._core.mark("closed_by_merchant", str(request.get("out_trade_no", "")))
        trade = self._opened(request)
        if trade is None:
            return "ACQ.TRADE_NOT_EXIST", {}
        if trade.charges:
            return "ACQ.TRADE_HAS_SUCCESS", {}
        if trade.closed:
            return "ACQ.TRADE_STATUS_ERROR", {}
        trade.closed = True
        return "", {"out_trade_no": trade.no, "trade_no": ""}

    def cancel(self, request: Json) -> Said:
        """Closed if unpaid, sent back if paid."""
        trade = self._opened(request)
        if trade is None:
            return "ACQ.TRADE_NOT_EXIST", {}
        for charge in trade.charges:
            self._take_back(trade, charge, f"cancel-{charge.trade_no}", charge.amount - charge.refunded)
        trade.closed = True
        told = {"out_trade_no": trade.no, "retry_flag": "N", "action": "refund" if trade.charges else "close"}
        return "", told

    def refund(self, request: Json) -> Said:
        """The same number and amount again moves nothing; another amount under it fails."""
        number, amount = str(request.get("out_request_no", "")), fen(request.get("refund_amount"))
        trade, charge = self._charged(request)
        if trade is None or charge is None:
            return "ACQ.TRADE_NOT_EXIST", {}
        if not number or not amount:
            return "ACQ.INVALID_PARAMETER", {}
        earlier = charge.refunds.get(number)
        if earlier is None and charge.refunded + amount > charge.amount:
            return "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", {}
        if earlier not in (None, amount):
            return "ACQ.DISCORDANT_REPEAT_REQUEST", {}
        if earlier is None:
            self._take_back(trade, charge, number, amount)
        return "", alipay_trades.refunded(trade, charge, number, moved=earlier is None)

    def refund_query(self, request: Json) -> Said:
        """Success and nothing else: there is no such refund."""
        number = str(request.get("out_request_no", ""))
        trade, charge = self._charged(request)
        if trade is None or charge is None:
            return "ACQ.TRADE_NOT_EXIST", {}
        return "", alipay_trades.refund_found(trade, charge, number) if number in charge.refunds else {}

    # --- what buyers do -----------------------------------------------------------------------------------------------

    def pay(self, code: str, payer: Buyer, *, short_by: int = 0) -> str:
        """A buyer scans the code: "paid", or why not. The merchant hears of it by notification only."""
        trade = self._by_code.get(code)
        if trade is None:
            return "unknown code"
        if trade.closed or trade.charges:
            return "closed" if trade.closed else "already paid"
        if trade.expired and self._core.config.alipay.respect_expiry:
            return "expired"
        self._charge(trade, payer, trade.total - short_by)
        return "paid"

    def scan(self, code: str) -> None:
        """A buyer looks at it: from now on there is a trade, unpaid."""
        self._by_code[code].opened = True

    def charge_again(self, code: str, payer: Buyer) -> None:
        """What may not happen and does: one order number, two charges; or a charge after everything was closed."""
        trade = self._by_code[code]
        self._charge(trade, payer, trade.total)

    # --- the books ----------------------------------------------------------------------------------------------------

    def find(self, request: Json) -> Trade | None:
        trade = self._by_trade_no.get(str(request.get("trade_no") or ""))
        return trade or self.trades.get(str(request.get("out_trade_no", "")))

    def _opened(self, request: Json) -> Trade | None:
        trade = self.find(request)
        return trade if trade and trade.opened else None

    def _charged(self, request: Json) -> tuple[Trade | None, Charge | None]:
        """`trade_no` wins where both are named."""
        trade = self._opened(request)
        return trade, trade.charge(str(request.get("trade_no") or "")) if trade else None

    def _open(self, request: Json, notify_url: str) -> Trade:
        trade = Trade(request, notify_url, f"{CODE}bax{secrets.token_hex(9)}")
        self.trades[trade.no] = self._by_code[trade.qr_code] = trade
        self._core.books.file("trades", (trade.no,), {"out_trade_no": trade.no, "amount": trade.total})
        return trade

    def _charge(self, trade: Trade, payer: Buyer, amount: int) -> None:
        at = times.now()
        charge = Charge(f"{at:%Y%m%d}2200149999{self._serial.next():010d}", amount, payer, at)
        trade.opened = True
        trade.charges.append(charge)
        self._by_trade_no[charge.trade_no] = trade
        entry = {"out_trade_no": trade.no, "transaction_id": charge.trade_no, "amount": amount}
        self._core.books.file("captures", (trade.no,), entry)
        self._tell(trade, charge)

    def _take_back(self, trade: Trade, charge: Charge, number: str, amount: int) -> None:
        charge.refunds[number], charge.refunded_at[number] = amount, times.now()
        entry = {"out_trade_no": trade.no, "out_refund_no": number, "amount": amount}
        entry |= {"transaction_id": charge.trade_no, "status": "SUCCESS"}
        self._core.books.file("refunds", (trade.no, number), entry)

    def _tell(self, trade: Trade, charge: Charge) -> None:
        """Only TRADE_SUCCESS is told, and only where the order named an address; a forgery goes ahead of it by plan."""
        if not trade.notify_url:
            return
        core, keys, notify_id = self._core, self._core.keys, f"{times.now():%Y%m%d}00222{uuid4().hex}"
        fields = alipay_trades.paid_notice(trade, charge, notify_id, keys.alipay_app_id, keys.alipay_seller_id)
        if core.plans("forged_notice", trade.no):
            # Somebody added a word to what was signed.
            forged = HEADERS, notification(keys.alipay, fields | {"notify_time": stamp(times.now())}) + b"&body=x"
            delivery = Delivery(trade.notify_url, lambda: forged, (), _taken)
            core.send_forged((trade.no,), "alipay forged notice", notify_id, delivery)

        def build() -> Built:
            """The id stays, time and signature are those of this delivery."""
            return HEADERS, notification(keys.alipay, fields | {"notify_time": stamp(times.now())})

        delivery = Delivery(trade.notify_url, build, ALIPAY, _taken)
        core.send(
            (trade.no,), "alipay TRADE_SUCCESS", notify_id, delivery, after=core.pause(core.config.durations.notice)
        )


def _taken(answer: Answer) -> bool:
    """Seven letters mean yes; whatever else is answered, it comes again."""
    return answer.status == 200 and answer.body == b"success"
