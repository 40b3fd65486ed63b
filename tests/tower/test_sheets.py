"""The documents of one order side by side, as facts tell them."""

from __future__ import annotations

from services.tower.sheets import differing, side_by_side
from services.tower.story import Level
from shared.events import orders, payments
from shared.events.values import Sealed
from tests.support.journeys import MASTER_BILL, Mailed
from tests.support.stories import after
from tests.support.tales import RECIPIENT, Tale, cny


def test_documents_of_a_straight_order_agree() -> None:
    tale = Tale().to_customs()
    story = after(tale)
    rows = {row.field: row for row in side_by_side(story)}

    assert differing(tuple(rows.values()), story) == 0
    assert rows["order_no"].verdict is Level.OK
    assert len([cell for cell in rows["order_no"].cells if cell]) == 3
    assert rows["total"].cells[:2] == ("CNY 129.00", "CNY 129.00")
    assert rows["payer"].verdict is Level.OK


def test_the_inventory_of_direct_mail_says_the_measured_weight() -> None:
    rows = {row.field: row for row in side_by_side(after(Mailed().to_border()))}

    assert rows["grams"].cells == ("", "", "560", "572")
    assert rows["grams"].verdict is Level.NONE
    assert rows["master_bill"].cells == ("", "", "", MASTER_BILL)


def test_a_payment_of_another_amount_or_person_stands_out() -> None:
    tale = Tale()
    tale.placed()
    tale.admitted()
    tale.opened()
    captured = tale.captured()
    declared = payments.PaymentDeclared(
        **tale.of(), order_no="OTHER", pay_code="1", pay_name="财付通", pay_transaction_id=tale.transaction,
        amount=cny("124.00"), identity_check="different", ver_dept="3", paid_at=tale.at,
    )  # fmt: skip
    tale.say(declared, captured)

    bad = [row.field for row in side_by_side(after(tale)) if row.verdict is Level.BAD]

    assert bad == ["order_no", "total", "payer"]


def test_an_address_corrected_after_booking_differs_until_the_waybill_is_made_anew() -> None:
    tale = Tale().to_customs()
    moved = Sealed("dev-1", "c2VhbGVk", "f3", "王** 138***01 福建省厦门市")
    tale.say(orders.OrderAmended(**tale.of(), person=None, recipient=moved, recipient_version=2))

    rows = {row.field: row for row in side_by_side(after(tale))}

    assert rows["recipient"].cells[0] != RECIPIENT.masked
    assert rows["recipient"].verdict is Level.BAD
