"""The documents that take a declaration back: cancellation (623) before its release, return (625) after it. Pure.

They repeat parties, waybill and buyer of the inventory that they mean, and name it by customs' own number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from services.customs.assessment import ordered_goods
from services.customs.compose import Parties
from services.customs.documents import CancelDocument, Kind, ReturnDocument, ReturnItem
from services.customs.dossier import Dossier
from services.customs.identity import normal_id, normal_name, normal_phone
from services.customs.parts import Waybill
from services.customs.policy import Policy
from shared.events.values import Sealed
from shared.ids import OrderId
from shared.security.personal import Person

# What the documents say as reason where the order has none in Chinese: customs reads Chinese.
REASONS: Final = {Kind.CANCELLATION: "订购人取消订单", Kind.RETURN: "订购人退货"}


@dataclass(frozen=True, slots=True)
class UndoDraft:
    """All values of one cancellation or return, the buyer sealed. A return names every line, whole."""

    order_id: OrderId
    number: int
    kind: Kind
    at: datetime
    parties: Parties
    order_no: str
    waybill: Waybill
    person: Sealed
    cop_no: str
    guid: str
    message_id: str
    invt_no: str
    reason: str
    items: tuple[ReturnItem, ...]


def undo_draft(policy: Policy, dossier: Dossier, now: datetime) -> UndoDraft:
    """Of the declaration that stands, whoever the buyer is by now."""
    sub, sale, withdrawal = dossier.submission, dossier.sale, dossier.withdrawal
    assert sub is not None
    assert sale is not None
    assert withdrawal is not None
    person = sub.person or dossier.person
    assert person is not None
    return UndoDraft(
        order_id=dossier.order_id,
        number=withdrawal.number,
        kind=withdrawal.document,
        at=now,
        parties=policy.parties(sale),
        order_no=sub.order_no,
        waybill=sub.waybill if sub.waybill.number else dossier.waybill,
        person=person,
        cop_no=withdrawal.cop_no,
        guid=withdrawal.paper.guid,
        message_id=withdrawal.paper.message_id,
        invt_no=dossier.invt_no,
        reason=withdrawal.reason if _chinese(withdrawal.reason) else REASONS[withdrawal.document],
        items=_items(dossier) if withdrawal.document is Kind.RETURN else (),
    )


def _chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def _items(dossier: Dossier) -> tuple[ReturnItem, ...]:
    """Number and code of each line as they were declared; the quantity is the whole line's."""
    assert dossier.sale is not None
    assert dossier.assessment is not None
    goods = ordered_goods(dossier.sale, dossier.goods)
    return tuple(
        ReturnItem(
            number=number,
            hs_code=goods[line.source].hs_code,
            goods_name=goods[line.source].name_zh,
            qty=Decimal(line.quantity),
            unit=goods[line.source].unit,
        )
        for number, line in enumerate(dossier.assessment.lines, start=1)
    )


def undo_document(draft: UndoDraft, person: Person) -> CancelDocument | ReturnDocument:
    if draft.kind is Kind.CANCELLATION:
        return CancelDocument(**_against_inventory(draft, person))
    return ReturnDocument(**_against_inventory(draft, person), items=draft.items)


def _against_inventory(draft: UndoDraft, person: Person) -> dict[str, Any]:
    parties, waybill = draft.parties, draft.waybill
    return {
        "guid": draft.guid,
        "app_time": draft.at,
        "customs_code": parties.office,
        "order_no": draft.order_no,
        "ebp_code": parties.platform.code,
        "ebp_name": parties.platform.name,
        "ebc_code": parties.seller.code,
        "ebc_name": parties.seller.name,
        "logistics_no": waybill.number,
        "logistics_code": waybill.code,
        "logistics_name": waybill.name,
        "cop_no": draft.cop_no,
        "invt_no": draft.invt_no,
        "buyer_id_type": person.id_type,
        "buyer_id_number": normal_id(person.id_number),
        "buyer_name": normal_name(person.name),
        "buyer_telephone": normal_phone(person.phone),
        "agent_code": parties.agent.code,
        "agent_name": parties.agent.name,
        "reason": draft.reason,
    }
