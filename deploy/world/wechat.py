"""WeChat Pay: orders, charges and refunds as the provider keeps them.

Source: our reference page on payments, sections 3.6 and 3.7.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from deploy.world import times, wechat_trades
from deploy.world.core import Core
from deploy.world.documents import PaymentDocument
from deploy.world.people import Buyer
from deploy.world.wechat_customs import Declarations
from deploy.world.wechat_notify import Notifier
from deploy.world.wechat_trades import Charge, Json, Refund, Reply, Trade


class WeChat:
    def __init__(self, core: Core, to_customs: Callable[[PaymentDocument], None]) -> None:
        self._core = core
        self._notifier = Notifier(core)
        self.trades: dict[str, Trade] = {}
        self.customs = Declarations(core, self.trades, to_customs)
        self._refunds: dict[str, Refund] = {}
        self._by_code: dict[str, Trade] = {}
        self._by_transaction: dict[str, Trade] = {}
        self._serial = times.Serial(10)

    def native(self, request: Json) -> Reply:
        """The same parameters again give the same QR; other ones under a used number fail."""
        keys = self._core.keys
        wrong = wechat_trades.refuse_order(request, keys.appid, keys.mchid)
        if wrong:
            return 400, {"code": "PARAM_ERROR", "message": wrong}
        trade = self.trades.get(str(request["out_trade_no"])) or self._open(request)
        if trade.charges:
            return 400, {"code": "ORDER_PAID", "message": "该订单已支付"}
        if trade.closed:
            return 400, {"code": "ORDER_CLOSED", "message": "订单已关闭"}
        if trade.request != request:
            return 403, {"code": "OUT_TRADE_NO_USED", "message": "商户订单号重复"}
        return 200, {"code_url": trade.code_url}

    def query(self, no: str) -> Reply:
        trade = self.trades.get(no)
        if trade is None:
            return 404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"}
        charge = trade.charge()
        return 200, wechat_trades.paid(trade, charge, trade.state) if charge else wechat_trades.unpaid(trade)

    def close(self, no: str) -> Reply:
        trade = self.trades.get(no)
        if trade is None:
            return 404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"}
        if trade.charges:
            return 400, {"code": "ORDER_PAID", "message": "该订单已支付"}
        trade.closed = True
        self._core.mark("closed_by_merchant", no)
        return 204, None

    def pay(self, code_url: str, payer: Buyer, *, short_by: int = 0) -> str:
        """A buyer scans the code: "paid", or why not. The merchant hears of it by notification only."""
        trade = self._by_code.get(code_url)
        if trade is None:
            return "unknown code"
        if trade.closed or trade.charges:
            return "closed" if trade.closed else "already paid"
        if trade.expired and self._core.config.wechat.respect_expiry:
            return "expired"
        self._charge(trade, payer, trade.total - short_by)
        return "paid"

    def charge_again(self, code_url: str, payer: Buyer) -> None:
        """What may not happen and does: one order number, two charges."""
        trade = self._by_code[code_url]
        self._charge(trade, payer, trade.total)

    def refund(self, request: Json) -> Reply:
        """The same number and content again is the same refund."""
        earlier = self._refunds.get(str(request.get("out_refund_no", "")))
        if earlier is not None:
            if earlier.request != request:
                return 400, {"code": "INVALID_REQUEST", "message": "退款单号已存在且参数不一致"}
            return 200, wechat_trades.refund_answer(earlier)
        trade, charge = self._paid(request)
        if trade is None or charge is None:
            return 404, {"code": "RESOURCE_NOT_EXISTS", "message": "订单不存在或未支付"}
        wrong = wechat_trades.refuse_refund(request, charge)
        if wrong:
            return 400, {"code": "INVALID_REQUEST", "message": wrong}
        return 200, wechat_trades.refund_answer(self._take_back(request, trade, charge))

    def refund_query(self, number: str) -> Reply:
        refund = self._refunds.get(number)
        if refund is None:
            return 404, {"code": "RESOURCE_NOT_EXISTS", "message": "退款单不存在"}
        return 200, wechat_trades.refund_answer(refund)

    def _open(self, request: Json) -> Trade:
        trade = Trade(request, f"weixin://wxpay/bizpayurl/up?pr={secrets.token_urlsafe(8)}&groupid=00")
        self.trades[trade.no] = self._by_code[trade.code_url] = trade
        self._core.books.file("trades", (trade.no,), {"out_trade_no": trade.no, "amount": trade.total})
        return trade

    def _charge(self, trade: Trade, payer: Buyer, amount: int) -> None:
        at = times.now()
        charge = Charge(f"4200009999{at:%Y%m%d}{self._serial.next():010d}", amount, payer, at)
        trade.charges.append(charge)
        self._by_transaction[charge.transaction_id] = trade
        entry = {"out_trade_no": trade.no, "transaction_id": charge.transaction_id, "amount": amount}
        self._core.books.file("captures", (trade.no,), entry)
        self._notifier.charged(trade, charge)

    def _paid(self, request: Json) -> tuple[Trade | None, Charge | None]:
        transaction = str(request.get("transaction_id") or "")
        trade = self._by_transaction.get(transaction) or self.trades.get(str(request.get("out_trade_no")))
        return trade, trade.charge(transaction) if trade else None

    def _take_back(self, request: Json, trade: Trade, charge: Charge) -> Refund:
        at = times.now()
        refund = Refund(request, f"5000009999{at:%Y%m%d}{self._serial.next():011d}", trade, charge, at)
        self._refunds[refund.number] = refund
        charge.refunded += refund.amount
        self._core.sender.spawn(self._send_back(refund))
        return refund

    async def _send_back(self, refund: Refund) -> None:
        entry = {"out_trade_no": refund.trade.no, "out_refund_no": refund.number, "amount": refund.amount}
        entry |= {"transaction_id": refund.charge.transaction_id, "status": "PROCESSING"}
        self._core.books.file("refunds", (refund.trade.no, refund.number), entry)
        await asyncio.sleep(self._core.pause(self._core.config.durations.refund_done))
        refund.status, refund.success_at = "SUCCESS", times.now()
        entry["status"] = "SUCCESS"
        self._notifier.refunded(refund)
