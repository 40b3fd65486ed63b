"""Orders told as envelopes, as five services would speak them: each fact names its cause."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.broker.ports import Partition, Record
from shared.events import catalog, customs, logistics, orders, payments
from shared.events.base import Event
from shared.events.envelope import Cause, Envelope, write_headers
from shared.events.values import Amounts, DeclaredBy, Finding, Goods, OrderLine, Sealed, StockLine, Valuation
from shared.ids import OrderId, ParcelId, derived, order_id, out_trade_no, parcel_id, uuid7
from shared.money import Money

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # twelve o'clock in Fuzhou
SELLER = "highland-coop"
PERSON = Sealed("dev-1", "c2VhbGVk", "f1", "王** 110***12")
RECIPIENT = Sealed("dev-1", "c2VhbGVk", "f2", "王** 138***01 福建省福州市")
SKU = "KE-AA-250"


def cny(text: str) -> Money:
    return Money.parse(text, "CNY")


@dataclass
class Tale:
    """One order's facts in the making. `at` moves on by itself; `say` returns the envelope's id, to be a cause."""

    number: str = "1001"
    seller: str = SELLER
    at: datetime = NOON
    envelopes: list[Envelope] = field(default_factory=list)

    @property
    def order(self) -> OrderId:
        return order_id(f"{self.seller}-shop", self.number)

    @property
    def parcel(self) -> ParcelId:
        return parcel_id(self.order, 1)

    @property
    def waybill(self) -> str:
        return f"LP{int(derived('waybill', self.order).int % 10**12):012d}"

    @property
    def last(self) -> str:
        return str(self.envelopes[-1].id)

    def say(self, fact: Event, cause: str = "", after: timedelta = timedelta(seconds=1)) -> str:
        """cause: the id of a fact; "" stands for a message from outside, which begins a trace of its own."""
        self.at += after
        trace = derived("trace", self.order, str(len(self.envelopes))).hex
        if cause and (known := next((e for e in self.envelopes if str(e.id) == cause), None)):
            trace = known.cause.traceparent[3:35]
        parent = f"00-{trace}-{derived('span', trace).hex[:16]}-01"
        because = Cause(cause or str(derived("receipt", self.order, str(len(self.envelopes)))), self.order, parent)
        self.envelopes.append(Envelope(uuid7(), fact, self.at, because, "mombasa-fuzhou"))
        return self.last

    def of(self) -> dict[str, Any]:
        return {"order_id": self.order, "seller": self.seller}

    def records(self) -> list[Record]:
        return [record(envelope, n) for n, envelope in enumerate(self.envelopes)]

    # --- the straight way, in chapters ------------------------------------------------------------------------------

    def placed(self, total: str = "129.00", title: str = "Kenya AA roasted coffee, 250 g") -> str:
        paid = cny(total)
        line = OrderLine(1, SKU, title, 2, cny("64.50"), paid, cny("0.00"))
        amounts = Amounts(paid, cny("0.00"), cny("0.00"), None, True, paid)
        declared = DeclaredBy("self", "partner", "partner", "self")
        fact = orders.OrderPlaced(
            **self.of(), connection=f"{self.seller}-shop", shop="highland-shopify", channel="shopify",
            external_id=self.number, flow="coffee-bonded", direction="sale", kind="normal", collected_by="self",
            declared_by=declared, warehouse="fz-bonded", lines=(line,), amounts=amounts, person=PERSON,
            recipient=RECIPIENT, recipient_version=1, placed_at=self.at,
        )  # fmt: skip
        return self.say(fact)

    def stock(self) -> tuple[StockLine, ...]:
        return (StockLine(1, SKU, 2, "fz-bonded", "L1"),)

    def admitted(self) -> str:
        """Assessed and reserved, payment asked for."""
        placed = self.last
        value = Valuation(1, cny("118.24"), cny("0.00"), cny("0.00"), cny("0.00"), cny("10.76"), cny("129.00"))
        assessed = self.say(customs.AssessmentMade(**self.of(), valuation=value, findings=()), placed)
        goods = Goods(
            1, SKU, "咖啡", "0901210000", "KE", "250g", "035", "035", "0.25", 250, 280, "R1", "T3105W000001", "0",
            "0.13", "0",
        )  # fmt: skip
        made = catalog.ReservationMade(
            **self.of(), lines=self.stock(), goods=(goods,), product_version=1, expires_at=self.at + timedelta(hours=4)
        )
        self.say(made, placed)
        asked = orders.PaymentRequested(
            **self.of(), part="whole", attempt=1, amount=cny("129.00"), title="coffee", shop="highland-shopify",
            person=PERSON, expires_at=self.at + timedelta(hours=2),
        )  # fmt: skip
        return self.say(asked, assessed)

    def opened(self) -> str:
        fact = payments.PaymentOpened(
            **self.of(), attempt=1, out_trade_no=out_trade_no(self.order, 1), qr="weixin://wxpay/bizpayurl?pr=x",
            amount=cny("129.00"), expires_at=self.at + timedelta(hours=2),
        )  # fmt: skip
        return self.say(fact, self.last)

    def captured(self) -> str:
        number = out_trade_no(self.order, 1)
        fact = payments.PaymentCaptured(
            **self.of(), attempt=1, part="whole", out_trade_no=number, transaction_id=self.transaction,
            amount=cny("129.00"), covered=True, paid_at=self.at,
        )  # fmt: skip
        captured = self.say(fact, after=timedelta(minutes=7))
        self.say(payments.EscrowHeld(**self.of(), amount=cny("129.00")), captured)
        return captured

    @property
    def transaction(self) -> str:
        return f"42000{derived('transaction', self.order).int % 10**23:023d}"

    def booked(self, captured: str) -> str:
        asked = orders.ShipmentRequested(
            **self.of(), parcel_id=self.parcel, shop="highland-shopify", carrier="cainiao", warehouse="fz-bonded",
            order_no=out_trade_no(self.order, 1), recipient=RECIPIENT, goods="coffee", lines=self.stock(),
            gross_grams=560, net_grams=500, freight=cny("0.00"), value=cny("118.24"),
        )  # fmt: skip
        requested = self.say(asked, captured)
        booked = logistics.ParcelBooked(
            **self.of(), parcel_id=self.parcel, carrier="cainiao", logistics_code="350196T001", logistics_name="菜鸟",
            waybill_no=self.waybill,
        )  # fmt: skip
        return self.say(booked, requested)

    def papers(self, captured: str) -> str:
        booked = self.last
        declared = payments.PaymentDeclared(
            **self.of(), order_no=out_trade_no(self.order, 1), pay_code="440316T004", pay_name="财付通支付科技有限公司",
            pay_transaction_id=self.transaction, amount=cny("129.00"), identity_check="same", ver_dept="3",
            paid_at=self.at,
        )  # fmt: skip
        self.say(declared, captured)
        requested = self.say(orders.DeclarationRequested(**self.of(), role="import", attempt=1), booked)
        accepted = logistics.WaybillDocumentAccepted(
            **self.of(), parcel_id=self.parcel, waybill_no=self.waybill, logistics_code="350196T001",
            accepted_at=self.at,
        )  # fmt: skip
        self.say(accepted)
        return requested

    def submitted(self, requested: str) -> str:
        sent = customs.DeclarationSubmitted(
            **self.of(), role="import", attempt=1, cop_no="COP" + self.parcel[:10], dossier_version=1
        )
        return self.say(sent, requested)

    def released(self) -> str:
        number = f"3105202611{derived('invt', self.order).int % 10**8:08d}"
        self.say(customs.DeclarationStored(**self.of(), role="import", attempt=1, invt_no=number))
        fact = customs.DeclarationReleased(**self.of(), role="import", attempt=1, dossier_version=1, at=self.at)
        return self.say(fact, after=timedelta(hours=7))

    def exited(self) -> str:
        may = orders.ExitAuthorised(
            **self.of(), parcel_id=self.parcel, dossier_version=1, warehouse="fz-bonded", lines=self.stock()
        )
        self.say(may, self.last)
        packed = logistics.ParcelPacked(
            **self.of(), parcel_id=self.parcel, gross_grams=560, lines=self.stock(), at=self.at
        )
        drawn = self.say(packed, after=timedelta(minutes=40))
        self.say(catalog.ReservationDrawn(**self.of(), lines=self.stock()), drawn)
        exited = self.say(logistics.ParcelExited(**self.of(), parcel_id=self.parcel, at=self.at))
        self.say(orders.ShipmentConfirmed(**self.of(), parcel_id=self.parcel, waybill_no=self.waybill), exited)
        return exited

    def delivered(self) -> str:
        step = logistics.ParcelAdvanced(
            **self.of(), parcel_id=self.parcel, milestone="out_for_delivery", at=self.at, late=False
        )
        self.say(step, after=timedelta(days=1, hours=20))
        return self.say(
            logistics.ParcelDelivered(**self.of(), parcel_id=self.parcel, at=self.at), after=timedelta(hours=3)
        )

    def paid_out(self) -> str:
        may = self.say(orders.FundsReleaseAuthorised(**self.of()), self.last, timedelta(days=15))
        fact = payments.EscrowReleased(**self.of(), amount=cny("129.00"), seller_share=cny("115.00"))
        released = self.say(fact, may)
        return self.say(orders.OrderCompleted(**self.of()), released)

    def to_customs(self) -> Tale:
        """As far as the inventory is with customs."""
        self.placed()
        self.admitted()
        self.opened()
        captured = self.captured()
        self.booked(captured)
        self.submitted(self.papers(captured))
        return self

    def whole(self) -> Tale:
        self.to_customs()
        for chapter in (self.released, self.exited, self.delivered, self.paid_out):
            chapter()
        return self

    def rejected(self) -> Tale:
        """Customs refuses the inventory: the shop must correct the address."""
        self.to_customs()
        fact = customs.DeclarationRejected(
            **self.of(), role="import", attempt=1, code="-620013", reason="收货地址不完整",
            fix_en="Give province, city, district and street.", fix_zh="请补全省、市、区和街道。",
        )  # fmt: skip
        rejected = self.say(fact)
        self.say(orders.HoldSet(**self.of(), hold="customs", reason="-620013"), rejected)
        return self

    def mismatched(self) -> Tale:
        """The payment document and the order disagree; nothing was sent."""
        self.placed()
        self.admitted()
        self.opened()
        captured = self.captured()
        self.booked(captured)
        requested = self.papers(captured)
        fix = ("Declare the amount that was paid, or pay the order's total.", "支付金额与订单实付金额不一致：请更正。")
        found = Finding("R02", "payment.amount_paid", "129.00", "124.00", *fix)
        self.say(customs.DeclarationMismatched(**self.of(), role="import", attempt=1, findings=(found,)), requested)
        return self


def record(envelope: Envelope, offset: int) -> Record:
    event = envelope.event
    value = event.model_dump_json().encode()
    return Record(Partition(event.topic, 0), offset, event.key, value, write_headers(envelope), 0)
