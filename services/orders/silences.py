"""Who keeps an order waiting: a partner who stays silent for too long is named, whatever comes of it. Pure.

One row per answer from outside; the first that is awaited counts, for the steps of an order follow one another. Each
stage of a wait has the whole window: a sign of life begins it anew. A hold of this kind informs and stops nothing, so
that the answer finds its way when it comes, and takes the hold away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.orders.commands import Reminder
from services.orders.order import SILENT, Order
from services.orders.said import REMINDER, SILENCE, Policy, Said
from services.orders.tracks import Carriage, Intent, Money, Papers
from shared.flow.decision import Work, WorkName

Stage = Callable[[Order], str]  # how far the wait has come; "" where nothing of the kind is awaited


@dataclass(frozen=True, slots=True)
class Silence:
    """`who` is silent: the hold is called `<who>_silent`, and its window in the policy as well `who`."""

    who: str
    stage: Stage


def _payment_document(order: Order) -> str:
    return "" if order.payment_declared else "asked"


def _channel(order: Order) -> str:
    """It declares, and tells us of its waybill or of the release."""
    return "" if order.declares or order.cleared else order.clearance or "paid"


def _waybill(order: Order) -> str:
    """The number first, and then, before anything can be declared, the document (511) for the recipient of now."""
    if _any(order, Carriage.ASKED):
        return "asked"
    sent = order.import_papers.state not in (Papers.ASSESSED, Papers.REJECTED)
    return "booked" if order.live and not sent and not order.partners_declared else ""


def _warehouse(order: Order) -> str:
    """It packs and hands over what has a waybill, or what was let out; a site lets out what was released."""
    begun = (Carriage.BOOKED, Carriage.PACKED, Carriage.HANDED_OVER) if order.way.picked_at == "waybill" else ()
    for parcel in order.live.values():
        if parcel.state in begun:
            return parcel.state.value
        if parcel.exit == "authorised" and parcel.state in order.way.gate:
            return f"exit-{parcel.state.value}"
    return ""


def _customs(order: Order) -> str:
    """What arrives from abroad is judged when it has arrived: news of the flight are a sign of life."""
    waits = order.import_papers.state in (Papers.ASKED, Papers.SUBMITTED, Papers.STORED)
    return f"{order.import_papers.state.value}{_milestones(order)}" if waits else ""


def _carrier(order: Order) -> str:
    out = _any(order, Carriage.EXITED) and order.received_at is None
    return f"exited{_milestones(order)}" if out else ""


def _voiding_warehouse(order: Order) -> str:
    """It may be at the goods: it says first whether they stay."""
    held = any(parcel.state is Carriage.VOIDING and order.under_way(parcel) for parcel in order.live.values())
    return "voiding" if held else ""


def _voiding_carrier(order: Order) -> str:
    return "voiding" if _any(order, Carriage.VOIDING) else ""


def _booking(order: Order) -> str:
    return "asked" if _any(order, Carriage.ASKED) else ""


def _any(order: Order, state: Carriage) -> bool:
    return any(parcel.state is state for parcel in order.live.values())


def _milestones(order: Order) -> str:
    return "".join(f"-{parcel.milestone}" for parcel in order.live.values() if parcel.milestone)


PAID: Final = (
    Silence("payment_document", _payment_document),
    Silence("waybill", _waybill),
    Silence("warehouse", _warehouse),
    Silence("customs", _customs),
    Silence("channel", _channel),
    Silence("carrier", _carrier),
)
CLOSING: Final = (
    Silence("waybill", _booking),
    Silence("warehouse", _voiding_warehouse),
    Silence("carrier", _voiding_carrier),
)


def awaited(order: Order) -> str:
    """Whose answer, and at which stage, as one word; "" where nobody outside is waited for, or a person is."""
    for silence in _rows(order):
        if stage := silence.stage(order):
            return f"{silence.who}:{stage}"
    return ""


def _rows(order: Order) -> tuple[Silence, ...]:
    match order.intent:
        case Intent.PLACED if order.money.state is Money.COVERED and not order.blocked:
            return PAID
        case Intent.CLOSING if SILENT.issuperset(order.holds):
            return CLOSING
        case _:
            return ()


def watch(order: Order, policy: Policy, now: datetime) -> Said | None:
    """One timer per order, set when it begins to wait for somebody. News of whom it waits for does not move the timer:
    most answers come long before, and a row would be written for each."""
    if (what := awaited(order)) == order.awaited:
        return None
    running = order.heard_at is not None and _who(what) == _who(order.awaited)
    calm = replace(order.lifting(*SILENT), awaited=what, heard_at=now if what else None)
    if not what:
        return Said(calm, cancel=(WorkName(REMINDER, order.id, SILENCE),))
    return Said(calm) if running else Said(calm, work=(_timer(calm, policy, now),))


def overdue(order: Order, policy: Policy, now: datetime) -> Said:
    """The timer's time came: who has been silent since it was set is named, anybody else gets the rest of the time."""
    if order.heard_at is None:
        return Said(order)
    timer = _timer(order, policy, order.heard_at)
    if timer.due_at > now:
        return Said(order, work=(timer,))
    return Said(replace(order, heard_at=None).holding(f"{_who(order.awaited)}_silent"))


def _timer(order: Order, policy: Policy, since: datetime) -> Work:
    who = _who(order.awaited)
    return Work(REMINDER, order.id, policy.after(since, policy.windows[who]), Reminder(order.id, SILENCE), SILENCE)


def _who(what: str) -> str:
    return what.partition(":")[0]
