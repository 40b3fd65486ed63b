"""One bonded order's facts, and a room without a database where decisions follow one another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from services.customs.commands import Heard, IdentityChecked, Sign, Signed, SignedWithdrawal, SignWithdrawal, Spoken
from services.customs.documents import Kind, TaxBill
from services.customs.dossier import DOSSIER, QUOTA, Dossier
from services.customs.policy import Policy
from services.customs.process import decide, reach
from services.customs.providers.base import WindowAnswer
from services.customs.providers.ceb.statuses import reading
from services.customs.quota import Quota
from services.customs.receipts import Receipt
from shared.corridor import Corridor, load_corridor
from shared.events.base import Event
from shared.events.catalog import ReservationMade
from shared.events.logistics import ParcelBooked, ParcelConsolidated, ParcelPacked, WaybillDocumentAccepted
from shared.events.orders import (
    ClearanceObserved,
    DeclarationRequested,
    OrderAmended,
    OrderCancelled,
    OrderPlaced,
    WithdrawalRequested,
)
from shared.events.payments import PaymentDeclared
from shared.events.values import Amounts, DeclaredBy, Goods, OrderLine, Sealed, StockLine
from shared.flow.decision import Decision, Due, Outcome, States, Work
from shared.ids import OrderId, order_id, out_trade_no, parcel_id
from shared.money import Money
from shared.security.personal import Person, Recipient, seal_person, seal_recipient
from shared.security.vault import Keyring

ROOT: Final = Path(__file__).parents[2]
NOW: Final = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
ORDER: Final = order_id("nairobi-roasters-shopify", "5001")
SELLER: Final = "highland-coop"
KEYS: Final = Keyring({"test": os.urandom(32)}, "test", os.urandom(32))
BUYER: Final = Person("陈测试", "1", "99999919900307008X", "13900000002")
RECEIVER: Final = Recipient("陈测试", "13900000002", "CN", "福建省", "福州市", "鼓楼区", "测试路9号", "350001")
NUMBER: Final = out_trade_no(ORDER, 1)
PLATFORM: Final = "9999A60001"
INVT_NO: Final = "35002026I000000042"


@cache
def corridor() -> Corridor:
    return load_corridor(ROOT / "deploy" / "corridors" / "mombasa-fuzhou.toml")


def policy(**changes: Any) -> Policy:
    return Policy(corridor(), **changes)


def cny(text: str) -> Money:
    return Money.parse(text, "CNY")


@cache
def person(number: str = BUYER.id_number, name: str = BUYER.name) -> Sealed:
    return seal_person(KEYS, replace(BUYER, id_number=number, name=name))


@cache
def recipient(street: str = RECEIVER.street) -> Sealed:
    return seal_recipient(KEYS, replace(RECEIVER, street=street))


def placed(total: str = "129.00", *, quantity: int = 1, currency: str = "CNY", **changes: Any) -> OrderPlaced:
    amount = Money.parse(total, currency)
    none = Money.zero(currency)
    unit = Money(amount.minor // quantity, currency)
    values: dict[str, Any] = {
        "order_id": ORDER,
        "seller": SELLER,
        "connection": "nairobi-roasters-shopify",
        "shop": "nairobi-roasters",
        "channel": "shopify",
        "external_id": "5001",
        "flow": "coffee-bonded",
        "direction": "sale",
        "kind": "normal",
        "collected_by": "self",
        "declared_by": DeclaredBy("self", "partner", "partner", "self"),
        "warehouse": "fz-bonded",
        "lines": (OrderLine(1, "KE-COF-227", "烘焙咖啡豆", quantity, unit, amount, none),),
        "amounts": Amounts(amount, none, none, None, True, amount),
        "person": person(),
        "recipient": recipient(),
        "recipient_version": 1,
        "placed_at": NOW,
    }
    return OrderPlaced(**{**values, **changes})


def goods(**changes: Any) -> Goods:
    one = Goods(
        line=1, sku="KE-COF-227", name_zh="烘焙咖啡豆", hs_code="0901210000", origin="KE", spec_zh="品牌:TEST;227克/包",
        unit="125", unit_1="035", unit_1_quantity="0.227", net_grams=227, gross_grams=260, record_no="1",
        account_book="T3500W000001", duty_rate="0.15", vat_rate="0.13", consumption_rate="0",
    )  # fmt: skip
    return replace(one, **changes)


def reserved(*of: Goods, order: OrderId = ORDER) -> ReservationMade:
    items = of or (goods(),)
    lines = tuple(StockLine(one.line, one.sku, 1, "fz-bonded", "KE-2026-09") for one in items)
    return ReservationMade(
        order_id=order, seller=SELLER, lines=lines, goods=items, product_version=1, expires_at=NOW + timedelta(days=4)
    )


def paid(amount: str = "129.00", **changes: Any) -> PaymentDeclared:
    values: dict[str, Any] = {
        "order_id": ORDER,
        "seller": SELLER,
        "order_no": NUMBER,
        "pay_code": "4403169D3W",
        "pay_name": "财付通支付科技有限公司",
        "pay_transaction_id": "4200000042",
        "amount": cny(amount),
        "identity_check": "same",
        "ver_dept": "3",
        "paid_at": NOW,
    }
    return PaymentDeclared(**{**values, **changes})


PARCEL: Final = parcel_id(ORDER, 1)
BOOKED: Final = ParcelBooked(
    order_id=ORDER, seller=SELLER, parcel_id=PARCEL, carrier="cainiao", logistics_code="9999L60004",
    logistics_name="双城速递（测试）有限公司", waybill_no="TCX0000000042",
)  # fmt: skip


def waybill_accepted(to: Sealed | None = None) -> WaybillDocumentAccepted:
    return WaybillDocumentAccepted(
        order_id=ORDER, seller=SELLER, parcel_id=PARCEL, waybill_no=BOOKED.waybill_no, logistics_code="9999L60004",
        accepted_at=NOW, recipient_fingerprint=(to or recipient()).fingerprint,
    )  # fmt: skip


def asked(attempt: int = 1) -> DeclarationRequested:
    return DeclarationRequested(order_id=ORDER, seller=SELLER, role="import", attempt=attempt)


def amended(who: Sealed | None = None, where: Sealed | None = None, version: int = 2) -> OrderAmended:
    return OrderAmended(
        order_id=ORDER, seller=SELLER, person=who or person(), recipient=where or recipient(), recipient_version=version
    )


def undo(kind: Literal["cancel", "return"] = "cancel", reason: str = "buyer") -> WithdrawalRequested:
    return WithdrawalRequested(order_id=ORDER, seller=SELLER, role="import", kind=kind, reason=reason)


def observed(status: Literal["clearing", "released", "refused"]) -> ClearanceObserved:
    return ClearanceObserved(order_id=ORDER, seller=SELLER, role="import", status=status, at=NOW)


# --- direct mail ------------------------------------------------------------------------------------------------------


def placed_direct(**changes: Any) -> OrderPlaced:
    direct = {"shop": "lamu-tea-house", "flow": "coffee-direct", "warehouse": "msa-origin"}
    return placed(**{**direct, **changes})


def packed(grams: int = 274) -> ParcelPacked:
    return ParcelPacked(order_id=ORDER, seller=SELLER, parcel_id=PARCEL, gross_grams=grams, lines=(), at=NOW)


def consolidated(bill: str = "99900000011", voyage: str = "TX0001", vehicle: str = "TX0001") -> ParcelConsolidated:
    return ParcelConsolidated(
        order_id=ORDER, seller=SELLER, parcel_id=PARCEL, consignment_id=f"C-{bill}", master_bill=bill, voyage=voyage,
        vehicle=vehicle, at=NOW,
    )  # fmt: skip


CANCELLED: Final = OrderCancelled(order_id=ORDER, seller=SELLER, reason="buyer")
BEFORE_ASKING: Final[tuple[Event, ...]] = (paid(), BOOKED, waybill_accepted())


@dataclass
class Room:
    """Decisions one after the other; `said` and `work` collect what they spoke and asked for."""

    rules: Policy = field(default_factory=policy)
    now: datetime = NOW
    states: States = field(default_factory=States)
    said: list[Event] = field(default_factory=list)
    work: dict[tuple[str, str], Work] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    clock: int = 0

    # --- what comes in -----------------------------------------------------------------------------------------------

    def tell(self, *contents: object) -> list[Event]:
        """Decide each in turn; the facts that they led to."""
        before = len(self.said)
        for content in contents:
            assert reach(content).lanes
            answer = decide(self.rules, self.states, content, self.now)
            assert isinstance(answer, Decision), answer
            self._take(answer)
        return self.said[before:]

    def _take(self, decision: Decision) -> None:
        self.states.take(decision.puts)
        self.said += decision.facts
        self.aliases |= decision.aliases
        for name in decision.cancel:
            self.work.pop((name.kind, name.name), None)
        for work in decision.work:
            self.work[work.kind, work.name] = work

    def end(self, kind: str, result: object, name: str | None = None) -> list[Event]:
        """The oldest work of this kind ends so."""
        key = next(key for key in self.work if key[0] == kind and name in (None, key[1]))
        work = self.work.pop(key)
        return self.tell(Outcome(kind, work.lane, work.name, work.task, result))

    def due(self, kind: str, name: str | None = None) -> list[Event]:
        return self.end(kind, Due(), name)

    # --- the straight way --------------------------------------------------------------------------------------------

    def assessed(self, *first: Event) -> list[Event]:
        self.tell(*(first or (placed(), reserved())))
        return self.end("check-identity", IdentityChecked(""))

    def signed(self) -> list[Event]:
        return self.end("sign", Signed("order bytes", "inventory bytes"))

    def undo_signed(self) -> list[Event]:
        return self.end("sign-withdrawal", SignedWithdrawal("withdrawal bytes"))

    def stored(self) -> Room:
        self.inventory_out()
        self.hears(self.inventory_receipt("2"), self.inventory_receipt("120", invt_no=INVT_NO))
        return self

    def released(self) -> Room:
        self.stored()
        self.hears(self.inventory_receipt("800", invt_no=INVT_NO))
        return self

    def order_out(self) -> None:
        """Assessed, asked, signed: the order document is on its way."""
        self.assessed()
        self.tell(*BEFORE_ASKING, asked())
        self.signed()

    def inventory_out(self) -> list[Event]:
        self.order_out()
        return self.hears(self.order_receipt("2"), self.order_receipt("120"))

    # --- customs -----------------------------------------------------------------------------------------------------

    def receipt(self, kind: Kind, status: str, info: str = "", *, seconds: int | None = None, **more: Any) -> Receipt:
        """Each a second later than the one before, unless told otherwise."""
        self.clock += 1
        at = NOW + timedelta(seconds=self.clock if seconds is None else seconds)
        numbers: dict[str, Any] = (
            {"order_no": NUMBER, "ebp_code": PLATFORM} if kind is Kind.ORDER else {"cop_no": self.number_of(kind)}
        )
        return Receipt(
            kind=kind, guid="G", status=status, reading=reading(kind, status), at=at, info=info, **{**numbers, **more}
        )

    def order_receipt(self, status: str, info: str = "", **more: Any) -> Receipt:
        return self.receipt(Kind.ORDER, status, info, **more)

    def inventory_receipt(self, status: str, info: str = "", **more: Any) -> Receipt:
        return self.receipt(Kind.INVENTORY, status, info, **more)

    def undo_receipt(self, status: str, info: str = "", **more: Any) -> Receipt:
        assert self.dossier.withdrawal is not None
        return self.receipt(self.dossier.withdrawal.document, status, info, **more)

    def number_of(self, kind: Kind) -> str:
        if kind is Kind.INVENTORY:
            return self.cop_no
        assert self.dossier.withdrawal is not None
        return self.dossier.withdrawal.cop_no

    def hears(self, *words: Spoken) -> list[Event]:
        return self.tell(Heard(tuple((ORDER, word) for word in words)))

    # --- looks -------------------------------------------------------------------------------------------------------

    @property
    def dossier(self) -> Dossier:
        found = self.states.get(DOSSIER, ORDER)
        assert found is not None
        return found

    @property
    def cop_no(self) -> str:
        assert self.dossier.submission is not None
        return self.dossier.submission.cop_no

    @property
    def draft(self) -> Any:
        return next(work.task.draft for work in self.work.values() if isinstance(work.task, Sign))

    @property
    def undo_draft(self) -> Any:
        return next(work.task.draft for work in self.work.values() if isinstance(work.task, SignWithdrawal))

    @property
    def cases(self) -> list[str]:
        return [case.code for case in self.dossier.cases]

    def quota(self, of: Sealed | None = None) -> Quota | None:
        return self.states.get(QUOTA, (of or person()).fingerprint)

    def used(self, of: Sealed | None = None) -> str:
        quota = self.quota(of)
        return quota.used.major() if quota else "0.00"

    def waiting(self) -> list[str]:
        """Work that is there, as "kind name"."""
        return [f"{kind} {name}".strip() for kind, name in self.work]


def bill_of(tax: str, **more: Any) -> TaxBill:
    values: dict[str, Any] = {
        "guid": "G", "return_time": NOW, "invt_no": INVT_NO, "tax_no": "T1", "customs_tax": Decimal(0),
        "value_added_tax": Decimal(tax), "consumption_tax": Decimal(0), "status": "1", "items": (),
    }  # fmt: skip
    return TaxBill(**{**values, **more})


TAKEN: Final = WindowAnswer("", "0", "", None)


def names(events: Sequence[Event]) -> list[str]:
    """The facts by what they say happened."""
    return [event.type.split(".", 1)[1] for event in events]
