"""The other services and the world behind them, as orders hears them: what is done at once, and what takes its time.

What is under way (a parcel, a declaration) happens move by move, so that an order can be cancelled between any two.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from services.orders import observing
from shared.events import catalog, customs, logistics, orders
from shared.events.base import Event
from tests.orders import facts
from tests.orders.story import Story

Tells = tuple[object, ...]
PICKED = (facts.packed(), facts.drawn())
OVER_SEA = (*PICKED, facts.handed_over(), facts.consolidated(), facts.advanced("arrived_destination"))
LAST_MILE = (facts.exited(), facts.advanced("last_mile"), facts.delivered())
DECLARED = (facts.submitted(), facts.stored(), facts.released())
CHANNEL: tuple[Tells, ...] = (
    (observing.paid, facts.TOTAL, "alipay", "E1", "E1C", facts.NOW),
    (observing.cleared, "clearing", facts.NOW),
    (observing.waybill_given, "cainiao", "CN0001"),
    (observing.cleared, "released", facts.NOW),
)


@dataclass
class Others:
    """Facts that orders has not read wait in `topics`; `parcel` and `papers` are moves that have not happened."""

    pays: bool = True
    direct: bool = False
    topics: dict[str, list[Event]] = field(default_factory=dict)
    parcel: list[Event] = field(default_factory=list)
    papers: list[Event] = field(default_factory=list)
    channel: list[Tells] = field(default_factory=list)
    done: list[type[Event]] = field(default_factory=list)
    named: bool = False

    def speak(self, *spoken: Event) -> None:
        for fact in spoken:
            self.done.append(type(fact))
            self.topics.setdefault(fact.topic, []).append(fact)

    def did(self, kind: type[Event]) -> bool:
        return kind in self.done

    def moves(self, what: list[Event]) -> None:
        """The next thing happens. Catalog draws what is packed, at once."""
        self.speak(what.pop(0))
        if what and isinstance(what[0], catalog.ReservationDrawn):
            self.speak(what.pop(0))

    def starts(self, story: Story) -> None:
        self.speak(facts.made())
        if not story.order.declares:
            self.speak(facts.assessed())
            self.channel += CHANNEL

    def read(self, fact: Event) -> None:
        match fact:
            case orders.OrderAmended() if not self.named:
                self.named = True
                self.speak(facts.assessed())
            case orders.PaymentRequested():
                self.speak(facts.opened())
                if self.pays:
                    self.speak(facts.captured(), facts.escrow_held(), facts.declared())
            case orders.PaymentObserved():
                self.speak(facts.confirmed(), facts.escrow_held())
            case orders.PaymentCloseRequested() if not self.pays:
                self.speak(facts.closed())
            case orders.ShipmentRequested():
                self.speak(facts.booked(), facts.waybill_accepted())
                self.parcel += OVER_SEA if self.direct else ()
            case orders.WaybillAssigned():
                self.speak(facts.booked())
            case orders.DeclarationRequested():
                self.papers += DECLARED
            case orders.ClearanceObserved(status="released"):
                self.speak(facts.released(1, 0))
            case orders.ExitAuthorised():
                self.parcel = [*(() if self.direct else PICKED), *LAST_MILE]
            case _:
                self.undo(fact)

    def undo(self, fact: Event) -> None:
        match fact:
            case orders.ShipmentCancelRequested() if not self.did(logistics.ParcelDelivered):
                out = self.did(logistics.ParcelHandedOver) or self.did(logistics.ParcelExited)
                self.parcel = [facts.returned() if out else facts.voided()]
            case orders.ExitWithdrawn() if not self.did(logistics.ParcelExited):
                self.parcel = []
            case orders.WithdrawalRequested(kind="cancel"):
                won = self.did(customs.DeclarationReleased)
                self.papers = []
                self.speak(facts.not_withdrawn() if won else facts.withdrawn())
            case orders.WithdrawalRequested():
                out = self.did(logistics.ParcelExited) and not self.did(logistics.ParcelReturned)
                self.speak(facts.not_withdrawn("return") if out else facts.withdrawn("return"))
            case orders.RefundRequested():
                self.speak(facts.refund_submitted(), facts.refunded())
            case orders.ReservationReleaseRequested():
                self.speak(facts.restocked() if self.did(catalog.ReservationDrawn) else facts.stock_released())
            case orders.FundsReleaseAuthorised():
                self.speak(facts.escrow_released())
            case _:
                pass
