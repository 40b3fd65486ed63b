"""The rows of the cancel table of the order model: how far an order came, and what follows from a cancellation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.orders.tracks import Goods, Money, Papers
from shared.events.base import Event
from tests.orders import facts
from tests.orders.story import Story

WAITS, GOES_ON = "hold-set cancel_requested", "hold-lifted cancel_requested"
BACK = ["refund-requested", "reservation-release-requested"]
CLOSING = "cancellation-requested"
Step = tuple[Event, list[str]]


@dataclass(frozen=True)
class Row:
    """`given` leads an order to the gate; `at_once` is said to the cancellation, `steps` to what is answered."""

    name: str
    given: Callable[[], Story]
    at_once: list[str]
    steps: tuple[Step, ...]
    ends: tuple[Money, Goods, Papers]
    disposition: str = "back"


def bonded(*heard: Event) -> Story:
    """Paid, booked, its partners' documents accepted, the declaration asked for; and then what was heard."""
    story = Story.placed().declares()
    story.hears(*heard)
    return story


def direct(*heard: Event) -> Story:
    """Paid and booked, not packed."""
    story = Story.direct_mail().pays()
    story.hears(facts.booked(), facts.waybill_accepted(), *heard)
    return story


def _booked(story: Story) -> Story:
    story.hears(facts.booked())
    return story


PACKED = (facts.packed(), facts.drawn())
SITE = (*PACKED, facts.handed_over(), facts.consolidated())
RELEASED = (facts.submitted(), facts.stored(), facts.released())
OUT = (*RELEASED, *PACKED, facts.exited())
REFUNDED, FREE, ON_SHELF, GONE = facts.refunded(), facts.stock_released(), facts.restocked(), facts.written_off()

TABLE = (
    Row(
        "unpaid: the attempt is closed first, then the stock goes back",
        lambda: Story.placed().asks(),
        [CLOSING, "payment-close-requested"],
        ((facts.closed(), ["reservation-release-requested"]), (FREE, ["cancelled"])),
        (Money.CLOSED, Goods.RELEASED, Papers.ASSESSED),
    ),
    Row(
        "unpaid, but the buyer won: already paid is paid, and goes back",
        lambda: Story.placed().asks(),
        [CLOSING, "payment-close-requested"],
        ((facts.captured(), BACK), (REFUNDED, []), (FREE, ["cancelled"])),
        (Money.REFUNDED, Goods.RELEASED, Papers.ASSESSED),
    ),
    Row(
        "paid and booked: refund, release, void",
        lambda: _booked(Story.placed().pays()),
        [CLOSING, *BACK, "shipment-cancel-requested"],
        ((REFUNDED, []), (FREE, []), (facts.voided(), ["cancelled"])),
        (Money.REFUNDED, Goods.RELEASED, Papers.ASSESSED),
    ),
    Row(
        "asked, and a document is missing: customs has built nothing, so nothing stands",
        bonded,
        [CLOSING, "withdrawal-requested", WAITS],
        (
            (facts.withdrawn(), [*BACK, "shipment-cancel-requested", GOES_ON]),
            (REFUNDED, []),
            (FREE, []),
            (facts.voided(), ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.WITHDRAWN),
    ),
    Row(
        "asked, and on its way to customs: 623 when it is stored",
        bonded,
        [CLOSING, "withdrawal-requested", WAITS],
        (
            (facts.submitted(), []),
            (facts.stored(), []),
            (facts.withdrawn(), [*BACK, "shipment-cancel-requested", GOES_ON]),
            (REFUNDED, []),
            (FREE, []),
            (facts.voided(), ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.WITHDRAWN),
    ),
    Row(
        "asked, and the documents do not agree: nothing was sent, nothing stands",
        bonded,
        [CLOSING, "withdrawal-requested", WAITS],
        (
            (facts.mismatched(), []),
            (facts.withdrawn(), [*BACK, "shipment-cancel-requested", GOES_ON]),
            (REFUNDED, []),
            (FREE, []),
            (facts.voided(), ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.WITHDRAWN),
    ),
    Row(
        "asked, withdrawn, and built all the same before customs heard the end: it is withdrawn, too",
        bonded,
        [CLOSING, "withdrawal-requested", WAITS],
        (
            (facts.withdrawn(), [*BACK, "shipment-cancel-requested", GOES_ON]),
            (facts.submitted(), [WAITS]),
            (REFUNDED, []),
            (FREE, []),
            (facts.voided(), []),
            (facts.stored(), ["withdrawal-requested"]),
            (facts.withdrawn(), ["cancelled", GOES_ON]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.WITHDRAWN),
    ),
    Row(
        "34 asked and submitted: wait for customs' number, then 623, then the money",
        lambda: bonded(facts.submitted()),
        [CLOSING, WAITS],
        (
            (facts.stored(), ["withdrawal-requested"]),
            (facts.withdrawn(), [*BACK, "shipment-cancel-requested", GOES_ON]),
            (REFUNDED, []),
            (FREE, []),
            (facts.voided(), ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.WITHDRAWN),
    ),
    Row(
        "submitted, and rejected before it is stored: nothing is left to withdraw",
        lambda: bonded(facts.submitted()),
        [CLOSING, WAITS],
        (
            (facts.rejected(), [*BACK, "shipment-cancel-requested", "hold-set customs", GOES_ON]),
            (REFUNDED, []),
            (FREE, []),
            (facts.voided(), ["cancelled", "hold-lifted customs"]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.REJECTED),
    ),
    Row(
        "stored: 623 at once",
        lambda: bonded(facts.submitted(), facts.stored()),
        [CLOSING, "withdrawal-requested", WAITS],
        (
            (facts.withdrawn(), [*BACK, "shipment-cancel-requested", GOES_ON]),
            (facts.voided(), []),
            (FREE, []),
            (REFUNDED, ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.WITHDRAWN),
    ),
    Row(
        "35 623 loses to the release: 625 in place, the late refusal is no news",
        lambda: bonded(facts.submitted(), facts.stored()),
        [CLOSING, "withdrawal-requested", WAITS],
        (
            (facts.released(), ["withdrawal-requested"]),
            (facts.not_withdrawn("cancel"), []),
            (facts.withdrawn("return"), [*BACK, "shipment-cancel-requested", GOES_ON]),
            (REFUNDED, []),
            (FREE, []),
            (facts.voided(), ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.WITHDRAWN),
    ),
    Row(
        "35 the refusal of 623 comes before the release that won",
        lambda: bonded(facts.submitted(), facts.stored()),
        [CLOSING, "withdrawal-requested", WAITS],
        (
            (facts.not_withdrawn("cancel"), ["hold-set customs"]),
            (facts.released(), ["withdrawal-requested", "hold-lifted customs"]),
            (facts.withdrawn("return"), [*BACK, "shipment-cancel-requested", GOES_ON]),
            (REFUNDED, []),
            (FREE, []),
            (facts.voided(), ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.WITHDRAWN),
    ),
    Row(
        "held: queued until customs has released it",
        lambda: bonded(facts.submitted(), facts.stored(), facts.customs_held()),
        [CLOSING, WAITS],
        (
            (facts.released(), ["withdrawal-requested", "hold-lifted customs"]),
            (facts.withdrawn("return"), [*BACK, "shipment-cancel-requested", GOES_ON]),
            (REFUNDED, []),
            (FREE, []),
            (facts.voided(), ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.WITHDRAWN),
    ),
    Row(
        "detained: queued, and customs sends it abroad",
        lambda: bonded(facts.submitted(), facts.stored(), facts.customs_held(), facts.detained()),
        [CLOSING, WAITS],
        (
            (facts.sent_abroad(), [*BACK, "shipment-cancel-requested", GOES_ON]),
            (REFUNDED, []),
            (GONE, []),
            (facts.voided(), ["cancelled", "hold-lifted customs"]),
        ),
        (Money.REFUNDED, Goods.WRITTEN_OFF, Papers.ABROAD),
        "write_off",
    ),
    Row(
        "released, not picked: the exit is withdrawn; it is inside for certain, then 625 in place, then the money",
        lambda: bonded(*RELEASED),
        [CLOSING, "exit-withdrawn", "shipment-cancel-requested", WAITS],
        (
            (facts.voided(), ["withdrawal-requested"]),
            (facts.withdrawn("return"), [*BACK, GOES_ON]),
            (REFUNDED, []),
            (FREE, ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RELEASED, Papers.WITHDRAWN),
    ),
    Row(
        "released and packed: what was drawn is put back on the shelf",
        lambda: bonded(*RELEASED, *PACKED),
        [CLOSING, "exit-withdrawn", "shipment-cancel-requested", WAITS],
        (
            (facts.voided(), ["withdrawal-requested"]),
            (facts.withdrawn("return"), [*BACK, GOES_ON]),
            (REFUNDED, []),
            (ON_SHELF, ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RESTOCKED, Papers.WITHDRAWN),
    ),
    Row(
        "36 exited: intercepted and never voided; back, then 625, then the money",
        lambda: bonded(*OUT),
        [CLOSING, "shipment-cancel-requested", WAITS],
        (
            (facts.returned(), ["withdrawal-requested"]),
            (facts.withdrawn("return"), [*BACK, GOES_ON]),
            (ON_SHELF, []),
            (REFUNDED, ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RESTOCKED, Papers.WITHDRAWN),
    ),
    Row(
        "exited, and lost on the way back: the money goes back, the goods do not",
        lambda: bonded(*OUT),
        [CLOSING, "shipment-cancel-requested", WAITS],
        (
            (facts.lost(), [*BACK, "hold-set parcel_lost", GOES_ON]),
            (GONE, []),
            (REFUNDED, ["cancelled", "hold-lifted parcel_lost"]),
        ),
        (Money.REFUNDED, Goods.WRITTEN_OFF, Papers.RELEASED),
        "write_off",
    ),
    Row(
        "43 lost, and an operator gives the money back",
        lambda: bonded(*OUT, facts.lost()),
        [CLOSING, *BACK],
        ((REFUNDED, []), (GONE, ["cancelled", "hold-lifted parcel_lost"])),
        (Money.REFUNDED, Goods.WRITTEN_OFF, Papers.RELEASED),
        "write_off",
    ),
    Row(
        "direct mail, booked: the warehouse may be at it, so nothing goes back before it answers",
        direct,
        [CLOSING, "shipment-cancel-requested"],
        ((facts.voided(), BACK), (REFUNDED, []), (FREE, ["cancelled"])),
        (Money.REFUNDED, Goods.RELEASED, Papers.ASSESSED),
    ),
    Row(
        "direct mail, booked, and packed before the void: catalog draws first, then it is put back",
        direct,
        [CLOSING, "shipment-cancel-requested"],
        (
            (facts.packed(), []),
            (facts.voided(), ["refund-requested"]),
            (facts.drawn(), ["reservation-release-requested"]),
            (REFUNDED, []),
            (ON_SHELF, ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RESTOCKED, Papers.ASSESSED),
    ),
    Row(
        "direct mail, asked to be voided while it was handed over: it is intercepted instead",
        lambda: direct(*PACKED),
        [CLOSING, "shipment-cancel-requested"],
        (
            (facts.handed_over(), [WAITS]),
            (facts.consolidated(), []),
            (facts.returned(), [*BACK, GOES_ON]),
            (ON_SHELF, []),
            (REFUNDED, ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RESTOCKED, Papers.ASSESSED),
    ),
    Row(
        "direct mail, handed over and not declared: intercepted at once",
        lambda: direct(*PACKED, facts.handed_over()),
        [CLOSING, "shipment-cancel-requested", WAITS],
        ((facts.returned(), [*BACK, GOES_ON]), (ON_SHELF, []), (REFUNDED, ["cancelled"])),
        (Money.REFUNDED, Goods.RESTOCKED, Papers.ASSESSED),
    ),
    Row(
        "direct mail, stored: 623 first, then it is called back",
        lambda: direct(*SITE, facts.submitted(), facts.stored()),
        [CLOSING, "withdrawal-requested", WAITS],
        (
            (facts.withdrawn(), ["shipment-cancel-requested"]),
            (facts.returned(), [*BACK, GOES_ON]),
            (ON_SHELF, []),
            (REFUNDED, ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RESTOCKED, Papers.WITHDRAWN),
    ),
    Row(
        "direct mail, let out at the site: it is called back first, then 625",
        lambda: direct(*SITE, *RELEASED),
        [CLOSING, "exit-withdrawn", "shipment-cancel-requested", WAITS],
        (
            (facts.returned(), ["withdrawal-requested"]),
            (facts.withdrawn("return"), [*BACK, GOES_ON]),
            (ON_SHELF, []),
            (REFUNDED, ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RESTOCKED, Papers.WITHDRAWN),
    ),
    Row(
        "released, and it passed the gate before the warehouse heard: not voided but called back, and then 625",
        lambda: bonded(*RELEASED),
        [CLOSING, "exit-withdrawn", "shipment-cancel-requested", WAITS],
        (
            (facts.packed(), []),
            (facts.drawn(), []),
            (facts.exited(), []),
            (facts.returned(), ["withdrawal-requested"]),
            (facts.withdrawn("return"), [*BACK, GOES_ON]),
            (REFUNDED, []),
            (ON_SHELF, ["cancelled"]),
        ),
        (Money.REFUNDED, Goods.RESTOCKED, Papers.WITHDRAWN),
    ),
)
