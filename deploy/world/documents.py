"""What customs hears from three sides: the payment company, the carrier, and us (as parsed CEB messages)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaymentDocument:
    """411. amount_minor: fen."""

    pay_code: str
    pay_transaction_id: str
    order_no: str
    ebp_code: str
    payer_id_number: str
    payer_name: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class WaybillDocument:
    """511. grams: gross weight of the parcel."""

    logistics_code: str
    logistics_no: str
    order_no: str
    consignee: str
    telephone: str
    address: str
    grams: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the carrier lists of a consignment: the master bill and the flight."""

    bill_no: str
    voyage_no: str


@dataclass(frozen=True, slots=True)
class Declared:
    """311, 621, 623 or 625 as it came: the head's and the lines' elements by name, and the digest of its bytes."""

    kind: str
    guid: str
    head: dict[str, str]
    lines: tuple[dict[str, str], ...]
    sha256: str
    signed: bool

    @property
    def order_no(self) -> str:
        return self.head["orderNo"]

    @property
    def app_type(self) -> str:
        return self.head["appType"]

    @property
    def key(self) -> str:
        """The business key: two documents with one key are the same document or a conflict."""
        own = self.head["orderNo"] if self.kind == "311" else self.head.get("copNo") or self.head["orderNo"]
        return f"{self.kind}:{self.head['ebpCode']}:{own}"
