"""Alipay's customs declarations: it compares payer and orderer, and hands the payment document to customs itself.

Source: our reference page on payments, section 1.8.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from deploy.world import times
from deploy.world.alipay_trades import Charge, Declaration, Trade
from deploy.world.alipay_wire import Json, fen, stamp, yuan
from deploy.world.core import Core
from deploy.world.documents import PaymentDocument

Said = tuple[str, Json]  # sub_code, fields


class Declarations:
    def __init__(
        self, core: Core, by_trade_no: Mapping[str, Trade], to_customs: Callable[[PaymentDocument], None]
    ) -> None:
        self._core, self._by_trade_no, self._to_customs = core, by_trade_no, to_customs
        self._declared: dict[str, Declaration] = {}
        self._serial = times.Serial(10)

    def declare(self, request: Json) -> Said:
        """The same number and content again is a push and tells no comparison; other content under it fails."""
        number = str(request.get("out_request_no", ""))
        trade = self._by_trade_no.get(str(request.get("trade_no", "")))
        charge = trade.charge(str(request["trade_no"])) if trade else None
        if trade is None or charge is None:
            return "ACQ.TRADE_NOT_EXIST", {}
        wrong = self._refuse(request, number, charge)
        if wrong:
            return wrong, {}
        declaration = self._declared.get(number)
        if declaration is None:
            no = f"{times.now():%Y%m%d}13611001{self._serial.next():010d}"
            declaration = Declaration(request, charge, no, _identity_check(request, charge))
            self._declared[number] = declaration
            self._core.sender.spawn(self._transmit(trade, declaration))
        elif declaration.request != request:
            return "ACQ.CUSTOMS_REQUEST_INCONSISTENT", {}
        return "", self._answer(declaration)

    def query(self, request: Json) -> Said:
        numbers = [number for number in str(request.get("out_request_nos", "")).split(",") if number]
        if not 1 <= len(numbers) <= 10:
            return "ACQ.INVALID_PARAMETER", {}
        found = {number: self._declared[number] for number in numbers if number in self._declared}
        missing = ",".join(number for number in numbers if number not in found)
        told: Json = {"records": [_record(number, one) for number, one in found.items()]} if found else {}
        return "", told | ({"not_found": missing} if missing else {})

    def _refuse(self, request: Json, number: str, charge: Charge) -> str:
        on_file = self._core.config.alipay
        if not 6 <= len(number) <= 64 or not request.get("customs_place") or not request.get("merchant_customs_name"):
            return "ACQ.INVALID_PARAMETER"
        if request.get("merchant_customs_code") != on_file.mch_customs_no:
            return "ACQ.MERCHANT_CUSTOMS_CODE_INVALID"
        return "" if 0 < fen(request.get("amount")) <= charge.amount else "ACQ.CUSTOMS_AMOUNT_EXCEED"

    def _answer(self, declaration: Declaration) -> Json:
        """The only answer of the gateway with an amount in fen."""
        charge, first = declaration.charge, not declaration.told
        declaration.told = True
        told: Json = {
            "trade_no": charge.trade_no,
            "alipay_declare_no": declaration.declare_no,
            "pay_code": self._core.config.alipay.pay_code,
            "pay_transaction_id": f"{charge.paid_at:%Y%m%d}{charge.trade_no[-20:]}",
            "ver_dept": "2",
            "total_amount": str(fen(declaration.request["amount"])),
            "currency": "142",
        }
        return told | ({"identity_check": declaration.identity_check} if first and declaration.identity_check else {})

    async def _transmit(self, trade: Trade, declaration: Declaration) -> None:
        """Customs gets the registered identity of the payer, whatever the merchant sent."""
        charge = declaration.charge
        entry = {"out_trade_no": trade.no, "transaction_id": charge.trade_no, "state": "UNDECLARED"}
        entry["check"] = {"T": "SAME", "F": "DIFFERENT"}.get(declaration.identity_check, "UNCHECKED")
        self._core.books.file("payment_declarations", (trade.no,), entry)
        await asyncio.sleep(self._core.pause(self._core.config.durations.payment_declared))
        self._to_customs(self._document(trade, declaration))
        declaration.status, declaration.modified_at = "succ", times.now()
        entry["state"] = "SUCCESS"

    def _document(self, trade: Trade, declaration: Declaration) -> PaymentDocument:
        on_file, payer = self._core.config.alipay, declaration.charge.payer
        return PaymentDocument(
            pay_code=on_file.pay_code,
            pay_transaction_id=declaration.charge.trade_no,
            order_no=trade.no,
            ebp_code=on_file.ebp_code,
            payer_id_number=payer.id_number,
            payer_name=payer.name,
            amount_minor=fen(declaration.request["amount"]),
        )


def _record(number: str, declaration: Declaration) -> Json:
    request, done = declaration.request, declaration.status == "succ"
    customs = {
        "customs_result_code": "2",
        "customs_result_info": "新增申报成功",
        "customs_result_return_time": times.stamp14(declaration.modified_at),
    }
    return {
        "out_request_no": number,
        "alipay_declare_no": declaration.declare_no,
        "trade_no": declaration.charge.trade_no,
        "amount": yuan(fen(request["amount"])),
        "customs_place": request["customs_place"],
        "merchant_customs_code": request["merchant_customs_code"],
        "merchant_customs_name": request["merchant_customs_name"],
        "status": declaration.status,
        "memo": "",
        "last_modified_time": stamp(declaration.modified_at),
    } | (customs if done else {})


def _identity_check(request: Json, charge: Charge) -> str:
    """Orderer against payer; without an orderer nothing is compared."""
    orderer = request.get("buyer_info")
    if not isinstance(orderer, dict) or not orderer.get("buyer_cert_no"):
        return ""
    same = str(orderer["buyer_cert_no"]).upper() == charge.payer.id_number
    return "T" if same and orderer.get("buyer_name") == charge.payer.name else "F"
