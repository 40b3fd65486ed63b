"""What comes into customs from outside, and what it asks to be done outside. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.customs.compose import Draft
from services.customs.documents import Kind, TaxBill, TaxBillChange
from services.customs.receipts import Receipt
from services.customs.undoing import UndoDraft
from shared.events.values import Finding, Sealed
from shared.ids import OrderId


@dataclass(frozen=True, slots=True)
class FormatRefused:
    """The e-port could not read a message of ours (CEB900). It quotes our document, persons and all: left out."""

    message_id: str
    status: str
    info: str
    at: datetime


Spoken = Receipt | FormatRefused | TaxBill | TaxBillChange


@dataclass(frozen=True, slots=True)
class Heard:
    """One envelope of customs: what it says, each with the order that it is about."""

    parts: tuple[tuple[OrderId, Spoken], ...]
    strays: tuple[Receipt, ...] = ()


@dataclass(frozen=True, slots=True)
class Strays:
    """Receipts whose numbers nobody knows yet: looked up again for some minutes; their neighbours counted already."""

    order_id: OrderId
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class CheckIdentity:
    order_id: OrderId
    person: Sealed


@dataclass(frozen=True, slots=True)
class IdentityChecked:
    """`problem` is empty or a stable word: type, number, name, phone."""

    problem: str


@dataclass(frozen=True, slots=True)
class Sign:
    draft: Draft


@dataclass(frozen=True, slots=True)
class Signed:
    """Sealed envelopes, base64 text. The findings hindered nothing: they are shown."""

    order: str
    inventory: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class SignWithdrawal:
    draft: UndoDraft


@dataclass(frozen=True, slots=True)
class SignedWithdrawal:
    """The sealed envelope, base64 text."""

    sealed: str


@dataclass(frozen=True, slots=True)
class Mismatched:
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Submit:
    """Hand over the stored envelope, byte for byte."""

    order_id: OrderId
    version: int
    kind: Kind
    envelope: str
    office: str
    office_confirmed: bool


@dataclass(frozen=True, slots=True)
class ReceiptOverdue:
    order_id: OrderId
    version: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class WaybillOverdue:
    """The carrier did not declare the corrected waybill anew, or nobody told us."""

    order_id: OrderId
    recipient_version: int


@dataclass(frozen=True, slots=True)
class CloseCase:
    """An operator settled it. `note` says how, for whoever looks later."""

    order_id: OrderId
    code: str
    note: str
    by: str
