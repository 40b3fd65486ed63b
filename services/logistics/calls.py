"""What logistics does outside: waybills at carriers, orders to warehouses, numbers to trackers. And its timers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, Protocol

from services.logistics.commands import (
    AHEAD,
    BOOK,
    RECALL,
    REGISTER,
    SPREAD,
    TELL,
    VOID,
    WATCH,
    Ahead,
    Book,
    Declined,
    Done,
    Recall,
    Register,
    Spread,
    Tell,
    Void,
    Watch,
    Waybill,
)
from services.logistics.providers.base import (
    BookingRequest,
    Carrier,
    CarrierRefused,
    Consignee,
    ExitAuthorised,
    ExitWithdrawn,
    PickLine,
    PickRequested,
    PickWithdrawn,
    Tracker,
    Warehouse,
)
from shared.flow.items import Leased
from shared.flow.work import Call
from shared.money import Money
from shared.security.personal import open_recipient
from shared.security.vault import Keyring

# Seconds. A round is short: a withdrawal may be waiting behind the message, and the next round begins by itself.
BACKOFF_TELL: Final = (1.0, 5.0, 15.0)


class _HasCarrier(Protocol):
    @property
    def carrier(self) -> str: ...


def calls(
    carriers: Mapping[str, Carrier], trackers: Mapping[str, Tracker], warehouse: Warehouse, facts: Keyring
) -> Mapping[str, Call]:
    """All are resolved by the identical call again: parcel id, number and message id make it the same to them."""
    return {
        BOOK: Call(Book, _declining(partial(_book, carriers, facts)), unknown="resend"),
        VOID: Call(Void, _declining(partial(_void, carriers)), unknown="resend"),
        RECALL: Call(Recall, _declining(partial(_recall, carriers)), unknown="resend"),
        REGISTER: Call(Register, _declining(partial(_register, trackers)), unknown="resend"),
        TELL: Call(Tell, _declining(partial(_tell, warehouse)), unknown="resend", backoff=BACKOFF_TELL),
        AHEAD: Call(Ahead),
        WATCH: Call(Watch),
        SPREAD: Call(Spread),
    }


def _declining(run: Callable[[Leased], Awaitable[object]]) -> Callable[[Leased], Awaitable[object]]:
    """A partner's final no is an answer like others, with its own code."""

    async def asked(leased: Leased) -> object:
        try:
            return await run(leased)
        except CarrierRefused as no:
            return Declined(no.refusal, no.words[:300])

    return asked


async def _book(carriers: Mapping[str, Carrier], facts: Keyring, leased: Leased) -> object:
    task = leased.task
    assert isinstance(task, Book)
    recipient = open_recipient(facts, task.recipient)
    consignee = Consignee(
        recipient.name, recipient.phone, recipient.country, recipient.province, recipient.city,
        recipient.district or None, recipient.street, recipient.postal_code or None,
    )  # fmt: skip
    request = BookingRequest(
        parcel_id=task.parcel_id,
        order_no=task.order_no,
        warehouse=task.warehouse,
        consignee=consignee,
        goods=task.goods,
        gross_grams=task.gross_grams,
        freight=task.freight,
        insurance=Money(0, task.freight.currency),
    )
    booked = await _of(carriers, task).book(request)
    return Waybill(booked.waybill_no, (booked.logistics_order,) if booked.logistics_order else ())


async def _void(carriers: Mapping[str, Carrier], leased: Leased) -> object:
    task = leased.task
    assert isinstance(task, Void)
    await _of(carriers, task).void(task.parcel_id, task.waybill_no)
    return Done()


async def _recall(carriers: Mapping[str, Carrier], leased: Leased) -> object:
    task = leased.task
    assert isinstance(task, Recall)
    await _of(carriers, task).intercept(task.parcel_id, task.waybill_no)
    return Done()


async def _register(trackers: Mapping[str, Tracker], leased: Leased) -> object:
    task = leased.task
    assert isinstance(task, Register)
    await trackers[task.tracker].register(task.waybill_no, task.parcel_id)
    return Done()


def _of(carriers: Mapping[str, Carrier], task: _HasCarrier) -> Carrier:
    """The process asks only carriers that it was given; one that is configured no more is a bug to be seen."""
    return carriers[task.carrier]


async def _tell(warehouse: Warehouse, leased: Leased) -> object:
    task = leased.task
    assert isinstance(task, Tell)
    if task.about == "pick":
        await _tell_origin(warehouse, task)
    else:
        await _tell_gate(warehouse, task)
    return Done()


async def _tell_origin(warehouse: Warehouse, task: Tell) -> None:
    if task.authorised:
        order = PickRequested(task.order_id, task.parcel_id, _lines(task), task.warehouse, task.waybill_no, task.at)
        await warehouse.request_pick(task.message_id, order)
    else:
        withdrawn = PickWithdrawn(task.order_id, task.parcel_id, task.warehouse, task.reason, task.at)
        await warehouse.withdraw_pick(task.message_id, withdrawn)


async def _tell_gate(warehouse: Warehouse, task: Tell) -> None:
    if task.authorised:
        order = ExitAuthorised(
            task.order_id, task.parcel_id, _lines(task), task.dossier_version, task.at, task.warehouse, task.waybill_no
        )
        await warehouse.authorise_exit(task.message_id, order)
    else:
        withdrawn = ExitWithdrawn(task.order_id, task.parcel_id, task.reason, task.at, task.warehouse)
        await warehouse.withdraw_exit(task.message_id, withdrawn)


def _lines(task: Tell) -> list[PickLine]:
    return [PickLine(line.sku, line.quantity, line.lot) for line in task.lines]
