"""What payments asks of its provider. Every call has a key of ours: done twice, it is done once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from services.payments.commands import (
    CLOSE,
    DECLARE,
    DECLARE_CHECK,
    DECLARE_PUSH,
    OPEN,
    QUERY,
    REFUND,
    REFUND_CHECK,
    DeclarationNews,
    DeclarePayment,
    NotDeclared,
    OpenAttempt,
    QrGiven,
    SendBack,
    Shut,
    Unpaid,
    WatchAttempt,
)
from services.payments.providers.base import (
    AlreadyPaid,
    CustomsAnswer,
    DeclareAsk,
    Exchange,
    Identity,
    NotFound,
    OpenAsk,
    Opened,
    PaymentProvider,
    RefundAsk,
    Trade,
    TradeState,
    resume_close,
    resume_open,
    resume_refund,
)
from services.payments.providers.words import declaration_of, paid_of, refund_of
from services.payments.store import seal_evidence
from shared.errors import Failure
from shared.events.values import Sealed
from shared.flow.items import Leased
from shared.flow.work import Call
from shared.logs import logger
from shared.security.personal import open_person
from shared.service import Resources

log = logger("payments")

KEYS_EVERY: Final = timedelta(hours=12)  # WeChat Pay, platform certificates: "at least every 12 h", as of mid 2026
RESIDENT_CARD: Final = "1"
T = TypeVar("T")


class Provider(PaymentProvider, Protocol):
    async def refresh_keys(self) -> None: ...


class Desk:
    """The provider, the addresses that it is told, and the keyrings of what it sends and is sent."""

    def __init__(self, resources: Resources, provider: Provider, notify_url: str, refund_url: str) -> None:
        self._resources, self._provider = resources, provider
        self._notify_url, self._refund_url = notify_url, refund_url
        self._keys_at: datetime | None = None

    async def open(self, leased: Leased) -> object:
        """An earlier try whose answer never came is asked about first."""
        task = _task(leased, OpenAttempt)
        await self.fresh_keys()
        if task.again:
            return await self.resume_open(leased)
        try:
            return self._opened(await self._provider.open(self._open_ask(task)))
        except AlreadyPaid:
            return self._trade(await self._provider.query(task.out_trade_no))

    async def resume_open(self, leased: Leased) -> object:
        task = _task(leased, OpenAttempt)
        try:
            return self._opened(await resume_open(self._provider, self._open_ask(task)))
        except AlreadyPaid:  # between the question and the second request
            return self._trade(await self._provider.query(task.out_trade_no))

    async def query(self, leased: Leased) -> object:
        trade = await self._provider.query(_task(leased, WatchAttempt).out_trade_no)
        return Unpaid() if trade.state is TradeState.ABSENT else self._trade(trade)

    async def close(self, leased: Leased) -> object:
        number = _task(leased, WatchAttempt).out_trade_no
        try:
            await self._provider.close(number)
        except AlreadyPaid:
            return self._trade(await self._provider.query(number))
        except NotFound:
            return Shut()  # nothing was ever opened under this number
        return Shut()

    async def resume_close(self, leased: Leased) -> object:
        number = _task(leased, WatchAttempt).out_trade_no
        try:
            trade = await resume_close(self._provider, number)
        except AlreadyPaid:
            trade = await self._provider.query(number)
        return self._trade(trade)

    async def refund(self, leased: Leased) -> object:
        await self.fresh_keys()
        return refund_of(await self._provider.refund(self._refund_ask(_task(leased, SendBack))))

    async def resume_refund(self, leased: Leased) -> object:
        return refund_of(await resume_refund(self._provider, self._refund_ask(_task(leased, SendBack))))

    async def declare(self, leased: Leased) -> object:
        return self._declared(await self._provider.declare(self._declare_ask(leased)))

    async def push(self, leased: Leased) -> object:
        return self._declared(await self._provider.push_declaration(self._declare_ask(leased)))

    async def declared(self, leased: Leased) -> object:
        answer = await self._provider.query_declaration(self._declare_ask(leased))
        return NotDeclared() if answer is None else self._declared(answer)

    async def fresh_keys(self) -> None:
        """Fetch the platform keys at a process's first call and every 12 h of its calls.

        Keys are a process's own memory, so this is no timer of the database: a row would refresh one process only.
        One that only receives notifications fetches when it meets a serial that it does not know. Failing is no
        harm: the pinned keys stay, and an unknown serial asks again.
        """
        now = self._resources.clock.now()
        if self._keys_at is not None and now - self._keys_at < KEYS_EVERY:
            return
        self._keys_at = now
        try:
            await self._provider.refresh_keys()
        except Failure as failure:
            log.warning("platform keys were not fetched", code=failure.code)

    # --- their values and ours --------------------------------------------------------------------

    def _open_ask(self, task: OpenAttempt) -> OpenAsk:
        return OpenAsk(task.out_trade_no, task.amount, task.title, task.expires_at, self._notify_url)

    def _refund_ask(self, task: SendBack) -> RefundAsk:
        return RefundAsk(
            task.out_trade_no, task.out_refund_no, task.amount, task.total, self._refund_url, task.reason,
            task.transaction_id,
        )  # fmt: skip

    def _declare_ask(self, leased: Leased) -> DeclareAsk:
        task = _task(leased, DeclarePayment)
        return DeclareAsk(
            task.out_trade_no, task.transaction_id, task.place, task.merchant_customs_no, task.amount,
            identity=self._identity(task.person),
        )  # fmt: skip

    def _identity(self, sealed: Sealed | None) -> Identity | None:
        """Only a resident identity card can be compared; without one the provider compares nothing."""
        person = open_person(self._resources.facts, sealed) if sealed else None
        return Identity(person.name, person.id_number) if person and person.id_type == RESIDENT_CARD else None

    def _opened(self, answer: Opened | Trade) -> object:
        if isinstance(answer, Trade):
            return self._trade(answer)
        return QrGiven(answer.qr, answer.expires_at, self._sealed(answer.exchange))

    def _trade(self, trade: Trade) -> object:
        if trade.capture is not None:
            return paid_of(trade.capture, self._sealed(trade.exchange))
        return Unpaid() if trade.state is TradeState.PENDING else Shut()

    def _declared(self, answer: CustomsAnswer) -> DeclarationNews:
        return declaration_of(answer, self._sealed(answer.exchange))

    def _sealed(self, exchange: Exchange | None) -> str:
        return seal_evidence(self._resources.columns, exchange.request, exchange.answer) if exchange else ""


def calls(desk: Desk) -> Mapping[str, Call]:
    """What is unknown is asked about; what is a question, or harmless to repeat, is simply sent again."""

    def sure(task: type, run: Run, query: Run) -> Call:
        return Call(task, run, unknown="query", query=query)

    def harmless(task: type, run: Run) -> Call:
        return Call(task, run, unknown="resend")

    return {
        OPEN: sure(OpenAttempt, desk.open, desk.resume_open),
        QUERY: harmless(WatchAttempt, desk.query),
        CLOSE: sure(WatchAttempt, desk.close, desk.resume_close),
        REFUND: sure(SendBack, desk.refund, desk.resume_refund),
        REFUND_CHECK: harmless(SendBack, desk.resume_refund),
        DECLARE: harmless(DeclarePayment, desk.declare),
        DECLARE_CHECK: harmless(DeclarePayment, desk.declared),
        DECLARE_PUSH: harmless(DeclarePayment, desk.push),
    }


Run = Callable[[Leased], Awaitable[object]]


def _task(leased: Leased, kind: type[T]) -> T:
    assert isinstance(leased.task, kind)
    return leased.task
