"""Facts about one order as the other services speak them, one builder per fact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from shared.events import catalog, customs, logistics, payments
from shared.events.base import Event
from shared.events.values import Finding, Goods, Role, Sealed, StockLine, Valuation
from shared.ids import ParcelId, order_id, out_trade_no, parcel_id
from shared.money import Money

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
ORDER = order_id("nairobi-roasters-shopify", "5902603020001")
PARCEL = parcel_id(ORDER, 1)
SELLER = "highland-coop"
TRADE = out_trade_no(ORDER, 1)
TOTAL = Money(12900, "CNY")
LINES = (
    StockLine(1, "KE-COF-227", 1, "fz-bonded", "KE-2026-09"),
    StockLine(2, "KE-TEA-100", 2, "fz-bonded", "KE-2026-08"),
)
PERSON = Sealed("k", "person", "fp-lin", "林** 350***16")
HOME = Sealed("k", "home", "fp-home", "林** 138***00 福建省福州市")
OFFICE = Sealed("k", "office", "fp-office", "林** 138***00 福建省厦门市")
VALUATION = Valuation(
    1, Money(11824, "CNY"), Money(0, "CNY"), Money(0, "CNY"), Money(0, "CNY"), Money(1076, "CNY"), TOTAL
)
FINDING = Finding("311.buyer", "buyer_id_number", "3501", "3502", "correct the identity", "更正身份信息")
OF: dict[str, Any] = {"order_id": ORDER, "seller": SELLER}
OF_PARCEL: dict[str, Any] = {**OF, "parcel_id": PARCEL}


def goods(line: int, sku: str, gross_grams: int, net_grams: int) -> Goods:
    return Goods(
        line=line, sku=sku, name_zh="烘焙咖啡豆", hs_code="0901210000", origin="KE", spec_zh="227克/包", unit="125",
        unit_1="035", unit_1_quantity="0.227", net_grams=net_grams, gross_grams=gross_grams, record_no="1",
        account_book="T3500W000001", duty_rate="0.15", vat_rate="0.13", consumption_rate="0",
    )  # fmt: skip


def made(expires_at: datetime = NOW + timedelta(days=4)) -> catalog.ReservationMade:
    both = (goods(1, "KE-COF-227", 260, 227), goods(2, "KE-TEA-100", 120, 100))
    return catalog.ReservationMade(**OF, lines=LINES, goods=both, product_version=1, expires_at=expires_at)


def short() -> catalog.ReservationRefused:
    return catalog.ReservationRefused(**OF, short=("KE-TEA-100",), reason="short of KE-TEA-100")


def stock_released() -> catalog.ReservationReleased:
    return catalog.ReservationReleased(**OF, lines=LINES)


def restocked() -> catalog.ReservationRestocked:
    return catalog.ReservationRestocked(**OF, lines=LINES)


def written_off() -> catalog.ReservationWrittenOff:
    return catalog.ReservationWrittenOff(**OF, lines=LINES, reason="lost")


def drawn() -> catalog.ReservationDrawn:
    return catalog.ReservationDrawn(**OF, lines=LINES)


def assessed() -> customs.AssessmentMade:
    return customs.AssessmentMade(**OF, valuation=VALUATION, findings=())


def inadmissible() -> customs.AssessmentRefused:
    return customs.AssessmentRefused(**OF, reason="above the single limit", findings=(FINDING,))


def opened(attempt: int = 1) -> payments.PaymentOpened:
    return payments.PaymentOpened(
        **OF, attempt=attempt, out_trade_no=TRADE, qr="weixin://wxpay/bizpayurl?pr=1", amount=TOTAL,
        expires_at=NOW + timedelta(hours=2),
    )  # fmt: skip


def captured(*, covered: bool = True) -> payments.PaymentCaptured:
    return payments.PaymentCaptured(
        **OF, attempt=1, part="whole", out_trade_no=TRADE, transaction_id="4200001", amount=TOTAL, covered=covered,
        paid_at=NOW,
    )  # fmt: skip


def confirmed() -> payments.PaymentConfirmed:
    return payments.PaymentConfirmed(
        **OF, amount=TOTAL, basis="order", external_no="2026030222001", customs_no="2026030222001C", paid_at=NOW
    )


def failed() -> payments.PaymentFailed:
    return payments.PaymentFailed(**OF, attempt=1, code="PARAM_ERROR", reason="refused")


def closed() -> payments.PaymentClosed:
    return payments.PaymentClosed(**OF, attempt=1)


def duplicated() -> payments.PaymentDuplicated:
    return payments.PaymentDuplicated(**OF, attempt=2, out_trade_no=out_trade_no(ORDER, 2), amount=TOTAL)


def mispaid() -> payments.PaymentMismatched:
    return payments.PaymentMismatched(
        **OF, attempt=1, out_trade_no=TRADE, transaction_id="4200001", asked=TOTAL, paid=Money(1290, "CNY")
    )


def declared(identity: Literal["same", "different", "unknown"] = "same") -> payments.PaymentDeclared:
    return payments.PaymentDeclared(
        **OF, order_no=TRADE, pay_code="31222699S7", pay_name="财付通", pay_transaction_id="4200001", amount=TOTAL,
        identity_check=identity, ver_dept="3", paid_at=NOW,
    )  # fmt: skip


def payment_paper_refused() -> payments.PaymentDeclarationRefused:
    return payments.PaymentDeclarationRefused(**OF, code="EXCEPT", reason="customs did not take it")


def refund_submitted() -> payments.RefundSubmitted:
    return payments.RefundSubmitted(**OF, refund_id="whole-1", amount=TOTAL)


def refunded() -> payments.RefundCompleted:
    return payments.RefundCompleted(**OF, refund_id="whole-1", amount=TOTAL)


def stalled() -> payments.RefundStalled:
    return payments.RefundStalled(**OF, refund_id="whole-1", amount=TOTAL, reason="account closed")


def escrow_held() -> payments.EscrowHeld:
    return payments.EscrowHeld(**OF, amount=TOTAL)


def escrow_released() -> payments.EscrowReleased:
    return payments.EscrowReleased(**OF, amount=TOTAL, seller_share=Money(11824, "CNY"))


def booked(parcel: ParcelId = PARCEL) -> logistics.ParcelBooked:
    return logistics.ParcelBooked(
        **OF, parcel_id=parcel, carrier="cainiao", logistics_code="9999L60004", logistics_name="双城速递",
        waybill_no="CN0001",
    )  # fmt: skip


def not_booked() -> logistics.BookingRefused:
    return logistics.BookingRefused(**OF_PARCEL, code="S12", reason="the address is not served")


def waybill_accepted(parcel: ParcelId = PARCEL, named: Sealed | None = None) -> logistics.WaybillDocumentAccepted:
    return logistics.WaybillDocumentAccepted(
        **OF, parcel_id=parcel, waybill_no="CN0001", logistics_code="9999L60004", accepted_at=NOW,
        recipient_fingerprint=named.fingerprint if named else "",
    )  # fmt: skip


def waybill_refused() -> logistics.WaybillDocumentRefused:
    return logistics.WaybillDocumentRefused(**OF_PARCEL, waybill_no="CN0001", code="-1", reason="weight")


def voided() -> logistics.ParcelVoided:
    return logistics.ParcelVoided(**OF_PARCEL)


def packed() -> logistics.ParcelPacked:
    return logistics.ParcelPacked(**OF_PARCEL, gross_grams=500, lines=LINES, at=NOW)


def handed_over() -> logistics.ParcelHandedOver:
    return logistics.ParcelHandedOver(**OF_PARCEL, at=NOW)


def consolidated(consignment: str = "C-1") -> logistics.ParcelConsolidated:
    return logistics.ParcelConsolidated(
        **OF_PARCEL, consignment_id=consignment, master_bill="706-12345675", voyage="KQ882", vehicle="5Y-KZA", at=NOW
    )


def delayed() -> logistics.ParcelDelayed:
    return logistics.ParcelDelayed(**OF_PARCEL, after="booked", since=NOW)


def exited() -> logistics.ParcelExited:
    return logistics.ParcelExited(**OF_PARCEL, at=NOW)


def advanced(milestone: str = "origin_handover", *, late: bool = False) -> logistics.ParcelAdvanced:
    return logistics.ParcelAdvanced(**OF_PARCEL, milestone=milestone, at=NOW, late=late)


def delivered() -> logistics.ParcelDelivered:
    return logistics.ParcelDelivered(**OF_PARCEL, at=NOW)


def lost() -> logistics.ParcelLost:
    return logistics.ParcelLost(**OF_PARCEL, at=NOW)


def returned() -> logistics.ParcelReturned:
    return logistics.ParcelReturned(**OF_PARCEL, at=NOW)


IMPORT: Role = "import"


def mismatched(attempt: int = 1) -> customs.DeclarationMismatched:
    return customs.DeclarationMismatched(**OF, role=IMPORT, attempt=attempt, findings=(FINDING,))


def submitted(attempt: int = 1, version: int = 1) -> customs.DeclarationSubmitted:
    return customs.DeclarationSubmitted(
        **OF, role=IMPORT, attempt=attempt, cop_no=f"COP{attempt}", dossier_version=version
    )


def stored(attempt: int = 1) -> customs.DeclarationStored:
    return customs.DeclarationStored(**OF, role=IMPORT, attempt=attempt, invt_no="35002026I000001")


def released(attempt: int = 1, version: int = 1) -> customs.DeclarationReleased:
    return customs.DeclarationReleased(**OF, role=IMPORT, attempt=attempt, dossier_version=version, at=NOW)


def customs_held() -> customs.DeclarationHeld:
    return customs.DeclarationHeld(**OF, role=IMPORT, attempt=1, reason="inspection")


def detained() -> customs.DeclarationDetained:
    return customs.DeclarationDetained(**OF, role=IMPORT, attempt=1, reason="samples")


def rejected(attempt: int = 1, *, final: bool = False) -> customs.DeclarationRejected:
    return customs.DeclarationRejected(
        **OF, role=IMPORT, attempt=attempt, code="100", reason="address unclear", fix_en="say the street",
        fix_zh="请补全街道", final=final,
    )  # fmt: skip


def withdrawn(kind: Literal["cancel", "return"] = "cancel") -> customs.DeclarationWithdrawn:
    return customs.DeclarationWithdrawn(**OF, role=IMPORT, attempt=1, kind=kind, at=NOW)


def not_withdrawn(kind: Literal["cancel", "return"] = "cancel") -> customs.WithdrawalRefused:
    return customs.WithdrawalRefused(**OF, role=IMPORT, attempt=1, kind=kind, code="2", reason="released before")


def sent_abroad() -> customs.DeclarationReturnedAbroad:
    return customs.DeclarationReturnedAbroad(**OF, role=IMPORT, attempt=1, reason="the goods may not enter")


EVERY: tuple[Event, ...] = (
    made(), short(), stock_released(), drawn(), assessed(), inadmissible(), opened(), captured(), failed(), closed(),
    duplicated(), mispaid(), declared(), payment_paper_refused(), refunded(), stalled(), escrow_held(),
    escrow_released(), booked(), not_booked(), waybill_accepted(), waybill_refused(), voided(), packed(), exited(),
    advanced(), delivered(), lost(), returned(), mismatched(), submitted(), stored(), released(), customs_held(),
    detained(), rejected(), confirmed(), refund_submitted(), restocked(), written_off(), handed_over(), consolidated(),
    delayed(), withdrawn(), not_withdrawn(), sent_abroad(),
)  # fmt: skip
STRAY: Final = packed().model_copy(update={"parcel_id": parcel_id(ORDER, 7)})  # of a parcel that nobody asked for
