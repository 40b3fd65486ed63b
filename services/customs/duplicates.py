"""A number declared before: the same content is a repeat, other content is somebody's mistake.

Customs refuses the second in any case (-301010, -401007, -504015); only we can tell the two apart. A waybill number
may be used again after six months, so the caller hands over what was declared within them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from services.customs.documents import Kind, OrderDocument, PaymentDocument, WaybillDocument
from services.customs.findings import Cited, Finding, Severity

Keyed = OrderDocument | PaymentDocument | WaybillDocument
NEW = "1"  # appType; a change (2) repeats its number on purpose


class Repeat(StrEnum):
    FRESH = "fresh"
    SAME = "same"
    OTHER = "other"


def business_key(document: Keyed) -> tuple[Kind, str, str]:
    match document:
        case OrderDocument():
            return Kind.ORDER, document.ebp_code, document.order_no
        case PaymentDocument():
            return Kind.PAYMENT, document.pay_code, document.pay_transaction_id
        case WaybillDocument():
            return Kind.WAYBILL, document.logistics_code, document.logistics_no


def _same_content(one: Keyed, other: Keyed) -> bool:
    """Whatever their message id and time say."""
    return replace(one, guid=other.guid, app_time=other.app_time) == other


def repeat_of(document: Keyed, earlier: Iterable[Keyed]) -> Repeat:
    """`other` wins: one differing predecessor is enough to stop."""
    if document.app_type != NEW:
        return Repeat.FRESH
    alike = [_same_content(document, one) for one in earlier if business_key(one) == business_key(document)]
    if not alike:
        return Repeat.FRESH
    return Repeat.SAME if all(alike) else Repeat.OTHER


def check_repeat(document: Keyed, earlier: Iterable[Keyed]) -> tuple[Finding, ...]:
    """R20."""
    if repeat_of(document, earlier) is not Repeat.OTHER:
        return ()
    kind, holder, number = business_key(document)
    there = Cited(kind, "declared before", f"{holder}/{number} with other content")
    return (Finding("R20", Severity.BLOCK, Cited(kind, "number", number), there),)
