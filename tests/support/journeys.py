"""Orders of the other ways, told as facts: direct mail, a marketplace that collects and declares, the way out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from shared.events import catalog, customs, logistics, orders, payments
from shared.events.values import Amounts, DeclaredBy, OrderLine, Valuation
from shared.ids import out_trade_no
from tests.support.tales import PERSON, RECIPIENT, SKU, Tale, cny

MASTER_BILL = "706-51423344"
CONSIGNMENT = "KQ-2026-330"


@dataclass
class Mailed(Tale):
    """lamu-tea-house: Standard Webhooks, Alipay, 9610. It travels first and is declared at the border."""

    consignment: str = CONSIGNMENT
    master_bill: str = MASTER_BILL

    def placed(self, total: str = "129.00", title: str = "Kericho black tea, 200 g") -> str:
        placed = super().placed(total, title)
        event = self.envelopes[-1].event.model_copy(
            update={"shop": "lamu-tea-house", "channel": "standard_webhooks", "flow": "coffee-direct"}
        )
        self.envelopes[-1] = replace(self.envelopes[-1], event=event)
        return placed

    def to_origin(self) -> Mailed:
        """Paid, booked, payment and waybill declared; the origin warehouse has the pick order."""
        self.placed()
        self.admitted()
        self.opened()
        captured = self.captured()
        self.booked(captured)
        self._declared_payment(captured)
        return self

    def _declared_payment(self, captured: str) -> None:
        declared = payments.PaymentDeclared(
            **self.of(), order_no=out_trade_no(self.order, 1), pay_code="ZF14021901", pay_name="支付宝（中国）",
            pay_transaction_id=self.transaction, amount=cny("129.00"), identity_check="same", ver_dept="3",
            paid_at=self.at,
        )  # fmt: skip
        self.say(declared, captured)
        accepted = logistics.WaybillDocumentAccepted(
            **self.of(), parcel_id=self.parcel, waybill_no=self.waybill, logistics_code="350196T001",
            accepted_at=self.at,
        )  # fmt: skip
        self.say(accepted)

    def packed(self) -> str:
        fact = logistics.ParcelPacked(
            **self.of(), parcel_id=self.parcel, gross_grams=572, lines=self.stock(), at=self.at
        )
        packed = self.say(fact, after=timedelta(hours=3))
        return self.say(catalog.ReservationDrawn(**self.of(), lines=self.stock()), packed)

    def handed_over(self) -> str:
        fact = logistics.ParcelHandedOver(**self.of(), parcel_id=self.parcel, at=self.at)
        handed = self.say(fact, after=timedelta(hours=2))
        self.say(orders.ShipmentConfirmed(**self.of(), parcel_id=self.parcel, waybill_no=self.waybill), handed)
        return handed

    def consolidated(self) -> str:
        closed = logistics.ConsignmentClosed(
            consignment_id=self.consignment, master_bill=self.master_bill, voyage="KQ886/1125", vehicle="5Y-KZH",
            parcels=120, at=self.at,
        )  # fmt: skip
        cause = self.say(closed, after=timedelta(hours=4))
        fact = logistics.ParcelConsolidated(
            **self.of(), parcel_id=self.parcel, consignment_id=self.consignment, master_bill=self.master_bill,
            voyage="KQ886/1125", vehicle="5Y-KZH", at=self.at,
        )  # fmt: skip
        consolidated = self.say(fact, cause)
        departed = logistics.ConsignmentDeparted(
            consignment_id=self.consignment, master_bill=self.master_bill, at=self.at
        )
        self.say(departed, after=timedelta(hours=9))
        return consolidated

    def declared(self) -> str:
        asked = orders.DeclarationRequested(**self.of(), role="import", attempt=1)
        return self.submitted(self.say(asked, self.last))

    def to_border(self) -> Mailed:
        self.to_origin()
        self.packed()
        self.handed_over()
        self.consolidated()
        return self

    def whole(self) -> Mailed:
        self.to_border()
        self.declared()
        self.released()
        may = orders.ExitAuthorised(
            **self.of(), parcel_id=self.parcel, dossier_version=1, warehouse="fz-returns", lines=self.stock()
        )
        self.say(may, self.last)
        self.say(logistics.ParcelExited(**self.of(), parcel_id=self.parcel, at=self.at), after=timedelta(hours=1))
        self.delivered()
        self.paid_out()
        return self


@dataclass
class Marketplace(Tale):
    """savanna-red on Xiaohongshu: it names the order, has the money and declares; we watch and ship."""

    def received(self) -> str:
        fact = orders.OrderReceived(
            **self.of(), connection="savanna-red-xiaohongshu", shop="savanna-red", channel="xiaohongshu",
            external_id=self.number,
        )  # fmt: skip
        return self.say(fact)

    def placed(self, total: str = "129.00", title: str = "Kenya AA roasted coffee, 250 g") -> str:
        paid = cny(total)
        fact = orders.OrderPlaced(
            **self.of(), connection="savanna-red-xiaohongshu", shop="savanna-red", channel="xiaohongshu",
            external_id=self.number, flow="coffee-bonded", direction="sale", kind="normal", collected_by="channel",
            declared_by=DeclaredBy("platform", "platform", "platform", "platform"), warehouse="fz-bonded",
            lines=(OrderLine(1, SKU, title, 2, cny("64.50"), paid, cny("0.00")),),
            amounts=Amounts(paid, cny("0.00"), cny("0.00"), None, True, paid), person=PERSON, recipient=RECIPIENT,
            recipient_version=1, placed_at=self.at,
        )  # fmt: skip
        return self.say(fact)

    def admitted(self) -> str:
        placed = self.last
        value = Valuation(1, cny("118.24"), cny("0.00"), cny("0.00"), cny("0.00"), cny("10.76"), cny("129.00"))
        self.say(customs.AssessmentMade(**self.of(), valuation=value, findings=()), placed)
        made = catalog.ReservationMade(
            **self.of(), lines=self.stock(), goods=(), product_version=1, expires_at=self.at + timedelta(hours=4)
        )
        return self.say(made, placed)

    @property
    def paid_number(self) -> str:
        return f"XHSP{self.transaction[-16:]}"

    def confirmed(self) -> str:
        seen = orders.PaymentObserved(
            **self.of(), amount=cny("129.00"), method="alipay", external_no=self.paid_number,
            customs_no=self.transaction, paid_at=self.at,
        )  # fmt: skip
        observed = self.say(seen)
        fact = payments.PaymentConfirmed(
            **self.of(), amount=cny("129.00"), basis="order", external_no=self.paid_number,
            customs_no=self.transaction, paid_at=self.at,
        )  # fmt: skip
        confirmed = self.say(fact, observed)
        return self.say(payments.EscrowHeld(**self.of(), amount=cny("129.00")), confirmed)

    def assigned(self) -> str:
        fact = orders.WaybillAssigned(
            **self.of(), parcel_id=self.parcel, shop="savanna-red", carrier="cainiao", warehouse="fz-bonded",
            order_no=self.number, recipient=RECIPIENT, goods="coffee", lines=self.stock(), gross_grams=560,
            net_grams=500, freight=cny("0.00"), value=cny("118.24"), flow="coffee-bonded", waybill_no=self.waybill,
        )  # fmt: skip
        assigned = self.say(fact, self.last)
        booked = logistics.ParcelBooked(
            **self.of(), parcel_id=self.parcel, carrier="cainiao", logistics_code="", logistics_name="",
            waybill_no=self.waybill,
        )  # fmt: skip
        return self.say(booked, assigned)

    def cleared(self, status: str) -> str:
        fact = orders.ClearanceObserved.model_validate({**self.of(), "role": "import", "status": status, "at": self.at})
        seen = self.say(fact, after=timedelta(hours=2))
        if status != "released":
            return seen
        return self.say(
            customs.DeclarationReleased(**self.of(), role="import", attempt=0, dossier_version=0, at=self.at), seen
        )

    def to_customs(self) -> Marketplace:
        self.received()
        self.placed()
        self.admitted()
        self.confirmed()
        self.assigned()
        self.cleared("clearing")
        return self

    def whole(self) -> Marketplace:
        self.to_customs()
        self.cleared("released")
        self.exited()
        self.delivered()
        self.say(orders.ReceiptConfirmed(**self.of(), at=self.at))
        self.paid_out()
        return self


@dataclass
class Undone(Tale):
    """Cancelled while the declaration lies with customs: 623, then money, waybill and stock."""

    def asked(self) -> str:
        self.to_customs()
        number = f"3105202611{self.transaction[-8:]}"
        self.say(customs.DeclarationStored(**self.of(), role="import", attempt=1, invt_no=number))
        fact = orders.CancellationRequested(**self.of(), by="buyer", reason="changed my mind")
        asked = self.say(fact, after=timedelta(minutes=5))
        request = orders.WithdrawalRequested(**self.of(), role="import", kind="cancel", reason="changed my mind")
        return self.say(request, asked)

    def withdrawn(self) -> str:
        fact = customs.DeclarationWithdrawn(**self.of(), role="import", attempt=1, kind="cancel", at=self.at)
        return self.say(fact, after=timedelta(hours=1))

    def refunding(self) -> str:
        asked = orders.RefundRequested(**self.of(), refund_id="whole-1", amount=cny("129.00"), reason="changed my mind")
        requested = self.say(asked, self.last)
        self.say(orders.ShipmentCancelRequested(**self.of(), parcel_id=self.parcel), requested)
        sent = payments.RefundSubmitted(**self.of(), refund_id="whole-1", amount=cny("129.00"))
        return self.say(sent, requested)

    def whole(self) -> Undone:
        self.asked()
        self.withdrawn()
        self.refunding()
        self.say(logistics.ParcelVoided(**self.of(), parcel_id=self.parcel))
        self.say(payments.RefundCompleted(**self.of(), refund_id="whole-1", amount=cny("129.00")))
        release = orders.ReservationReleaseRequested(**self.of(), lines=self.stock())
        released = self.say(release, self.last)
        self.say(catalog.ReservationReleased(**self.of(), lines=self.stock()), released)
        self.say(orders.OrderCancelled(**self.of(), reason="changed my mind"), self.last)
        return self
