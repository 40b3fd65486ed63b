"""The payment company's side of customs: asked through v2 XML, it sends the payment document itself.

Source: our reference page on payments, section 3.10.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from deploy.world import times
from deploy.world.core import Core
from deploy.world.documents import PaymentDocument
from deploy.world.people import Buyer
from deploy.world.wechat_trades import Charge, Declaration, Trade

Fields = dict[str, str]
# What may differ between two identical declarations: nothing of the business.
ENVELOPE: Final = {"sign", "sign_type"}


class Declarations:
    def __init__(self, core: Core, trades: Mapping[str, Trade], to_customs: Callable[[PaymentDocument], None]) -> None:
        self._core, self._trades, self._to_customs = core, trades, to_customs

    def declare(self, fields: Fields) -> Fields:
        """ADD twice with one content is harmless, with another it fails; MODIFY voids the old one."""
        trade = self._trades.get(fields.get("out_trade_no", ""))
        charge = trade.charge(fields.get("transaction_id", "")) if trade else None
        if trade is None or charge is None:
            return self._error("INVALID_REQUEST", "订单不存在或未支付")
        if fields.get("mch_customs_no") != self._core.config.wechat.mch_customs_no or not fields.get("customs"):
            return self._error("INVALID_REQUEST", "商户海关备案信息不存在")
        earlier = trade.declarations.get(fields["customs"])
        if earlier is not None and fields.get("action_type") != "MODIFY":
            same = _content(earlier.fields) == _content(fields)
            return self._answer(trade, charge, earlier) if same else self._error("INVALID_REQUEST", "重入信息不一致")
        declaration = Declaration(fields, _identity_check(fields, charge.payer))
        trade.declarations[fields["customs"]] = declaration
        self._core.sender.spawn(self._transmit(trade, charge, declaration))
        return self._answer(trade, charge, declaration)

    def push_again(self, fields: Fields) -> Fields:
        """For documents lost at the e-port; taken once customs has answered, and changes nothing here."""
        trade = self._trades.get(fields.get("out_trade_no", ""))
        declaration = trade.declarations.get(fields.get("customs", "")) if trade else None
        charge = trade.charge(declaration.fields["transaction_id"]) if trade and declaration else None
        if trade is None or declaration is None or charge is None or declaration.state != "SUCCESS":
            return self._error("INVALID_REQUEST", "报关状态不允许重推")
        return self._answer(trade, charge, declaration)

    def query(self, fields: Fields) -> Fields:
        trade = self._trades.get(fields.get("out_trade_no", ""))
        declaration = trade.declarations.get(fields.get("customs", "")) if trade else None
        charge = trade.charge(declaration.fields["transaction_id"]) if trade and declaration else None
        if declaration is None or charge is None:
            return self._error("INVALID_REQUEST", "报关记录不存在")
        return {
            **self._ok(),
            "transaction_id": charge.transaction_id,
            "count": "1",
            "mch_customs_no_0": declaration.fields["mch_customs_no"],
            "customs_0": declaration.fields["customs"],
            "fee_type_0": "CNY",
            "order_fee_0": declaration.fields.get("order_fee", "") or str(charge.amount),
            "state_0": declaration.state,
            "explanation_0": declaration.explanation,
            "modify_time_0": times.stamp14(declaration.modified_at),
            "cert_check_result_0": declaration.check,
            **_clearing(charge),
        }

    async def _transmit(self, trade: Trade, charge: Charge, declaration: Declaration) -> None:
        """Customs gets the registered identity of the payer, whatever the merchant sent."""
        entry = {"out_trade_no": trade.no, "transaction_id": charge.transaction_id, "state": "UNDECLARED"}
        entry["check"] = declaration.check
        self._core.books.file("payment_declarations", (trade.no,), entry)
        await asyncio.sleep(self._core.pause(self._core.config.durations.payment_declared))
        self._to_customs(self._document(trade, charge, declaration))
        declaration.state, declaration.explanation, declaration.modified_at = "SUCCESS", "申报成功", times.now()
        entry["state"] = "SUCCESS"

    def _document(self, trade: Trade, charge: Charge, declaration: Declaration) -> PaymentDocument:
        on_file = self._core.config.wechat
        return PaymentDocument(
            pay_code=on_file.pay_code,
            pay_transaction_id=charge.transaction_id,
            order_no=declaration.fields.get("sub_order_no") or trade.no,
            ebp_code=on_file.ebp_code,
            payer_id_number=charge.payer.id_number,
            payer_name=charge.payer.name,
            amount_minor=int(declaration.fields.get("order_fee") or charge.amount),
        )

    def _answer(self, trade: Trade, charge: Charge, declaration: Declaration) -> Fields:
        return {
            **self._ok(),
            "state": declaration.state,
            "transaction_id": charge.transaction_id,
            "out_trade_no": trade.no,
            "modify_time": times.stamp14(declaration.modified_at),
            "cert_check_result": declaration.check,
            **_clearing(charge),
        }

    def _ok(self) -> Fields:
        return {**self._who(), "return_code": "SUCCESS", "return_msg": "成功", "result_code": "SUCCESS"}

    def _error(self, code: str, text: str) -> Fields:
        answer = {"return_code": "SUCCESS", "return_msg": "OK", "result_code": "FAIL"}
        return {**self._who(), **answer, "err_code": code, "err_code_des": text}

    def _who(self) -> Fields:
        return {"appid": self._core.keys.appid, "mch_id": self._core.keys.mchid}


def _identity_check(fields: Fields, payer: Buyer) -> str:
    """Orderer against payer; without an orderer nothing is compared."""
    if not fields.get("cert_id"):
        return "UNCHECKED"
    same = fields["cert_id"].upper() == payer.id_number and fields.get("name") == payer.name
    return "SAME" if same else "DIFFERENT"


def _content(fields: Fields) -> Fields:
    return {name: text for name, text in fields.items() if text and name not in ENVELOPE}


def _clearing(charge: Charge) -> Fields:
    number = f"{charge.paid_at:%Y%m%d}{charge.transaction_id[-20:]}"
    return {"verify_department": "NETSUNION", "verify_department_trade_id": number}
