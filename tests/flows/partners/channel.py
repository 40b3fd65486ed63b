"""The sales channels: they take confirmations, and show whole orders to whoever asks for them by number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from services.orders.canonical import ChannelStatus
from services.orders.commands import ConfirmShipment, FetchOrder, OrderNamed, Pushed
from services.orders.providers.base import Confirmation
from shared.flow.work import Redo
from tests.flows.partners.base import Answered, Says

OVER: Final = (ChannelStatus.CANCELLED, ChannelStatus.REFUNDED)


@dataclass(frozen=True, slots=True)
class Shown:
    """An order's snapshots, one after the other: the first is what the channel shows now.

    Each that is shown is followed by the next, which the channel announces, but for those behind `stays`.
    """

    named: OrderNamed
    stages: tuple[Pushed, ...]
    stays: int = 0

    @property
    def now(self) -> Pushed:
        return self.stages[0]


@dataclass(frozen=True, slots=True)
class Channel:
    """`confirmed`: external id and waybill number of every confirmation that it took."""

    orders: Mapping[str, Shown] = field(default_factory=dict)
    confirmed: tuple[tuple[str, str], ...] = ()
    asked: tuple[str, ...] = ()
    refuses: object = None

    @property
    def timers(self) -> frozenset[str]:
        return frozenset({"payment-overdue", "identity-overdue", "hold-over", "reminder"})

    def call(self, kind: str, task: object, now: datetime) -> Answered:
        channel = replace(self, asked=(*self.asked, kind))
        match task:
            case ConfirmShipment(external_id=external_id, waybill_no=waybill_no):
                if self.refuses is not None:
                    return Answered(channel, self.refuses)
                confirmed = (*self.confirmed, (external_id, waybill_no))
                return Answered(replace(channel, confirmed=confirmed), Confirmation([external_id], already=False))
            case FetchOrder(external_id=external_id):
                return channel._fetched(external_id)
            case _:
                raise AssertionError(f"channels do not know {kind} at {now}")

    def showing(self, shown: Shown) -> Channel:
        return replace(self, orders={**self.orders, shown.named.external_id: shown})

    def balance(self, order_id: str) -> int:
        """Minor units that the channel has of an order's buyer, as it shows the order now."""
        shown = [one.now.snapshot.order for one in self.orders.values() if one.named.order_id == order_id]
        kept = [one for one in shown if one.paid_at is not None and one.status not in OVER]
        return sum(one.amounts.total.minor for one in kept)

    def _fetched(self, external_id: str) -> Answered:
        shown = self.orders[external_id]
        if len(shown.stages) <= 1 + shown.stays:
            return Answered(self, Redo(shown.now))
        onward = self.showing(replace(shown, stages=shown.stages[1:]))
        return Answered(onward, Redo(shown.now), (Says(shown.named),))

    def goes_on(self, external_id: str) -> tuple[Channel, tuple[Says, ...]]:
        """The next stage, which did not come by itself."""
        shown = self.orders[external_id]
        stages = shown.stages[1:]
        return self.showing(Shown(shown.named, stages, min(shown.stays, len(stages) - 1))), (Says(shown.named),)
