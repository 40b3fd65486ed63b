"""What payments asks of its providers. Every call has a key of ours: done twice, it is done once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

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
from services.payments.policy import REFUND_BACKOFF
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
from shared.errors import BadInput, Failure
from shared.events.values import Sealed
from shared.flow.items import Leased
from shared.flow.work import Call
from shared.logs import logger
from shared.security.personal import RESIDENT_CARD, open_person
from shared.service import Resources

log = logger("payments")

KEYS_EVERY: Final = timedelta(hours=12)  # WeChat Pay, platform certificates: "at least every 12 h", as of mid 2026
Run = Callable[[Leased], Awaitable[object]]
Task = OpenAttempt | WatchAttempt | SendBack | DeclarePayment
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Counter:
    """One provider, and the addresses that it is told; where refunds are told nowhere, `refund_url` is not used.

    refresh_keys: of a provider whose keys are to be fetched from time to time.
    """

    provider: PaymentProvider
    notify_url: str
    refund_url: str = ""
    refresh_keys: Callable[[], Awaitable[None]] | None = None


class Desk:
    """The providers by name, and the keyrings of what they are sent and send. Each task names its provider."""

    def __init__(self, resources: Resources, counters: Mapping[str, Counter]) -> None:
        self._resources, self._counters = resources, counters
        self._keys_at: dict[str, datetime] = {}

    def _at(self, task: Task) -> Counter:
        """Raises BadInput: the attempt's provider is not set up here any more."""
        if task.provider not in self._counters:
            raise BadInput(f"no payment provider {task.provider[:40]!r} is set up", where="provider")
        return self._counters[task.provider]

    def told(self, run: Run) -> Run:
        """The call, with a line in the log for every try that brought no answer."""

        async def call(leased: Leased) -> object:
            try:
                return await run(leased)
            except Failure as failure:
                log.warning(
                    "the payment provider did not do it", order_id=leased.lane, kind=leased.kind,
                    attempt=leased.attempts, provider=getattr(leased.task, "provider", ""), code=failure.code,
                    said=str(failure),
                )  # fmt: skip
                raise

        return call

    async def open(self, leased: Leased) -> object:
        """An earlier try whose answer never came is asked about first."""
        task = _task(leased, OpenAttempt)
        await self.fresh_keys(task)
        if task.again:
            return await self.resume_open(leased)
        provider = self._at(task).provider
        try:
            return self._opened(await provider.open(self._open_ask(task)))
        except AlreadyPaid:
            return self._trade(await provider.query(task.out_trade_no))

    async def resume_open(self, leased: Leased) -> object:
        task = _task(leased, OpenAttempt)
        provider = self._at(task).provider
        try:
            return self._opened(await resume_open(provider, self._open_ask(task)))
        except AlreadyPaid:  # between the question and the second request
            return self._trade(await provider.query(task.out_trade_no))

    async def query(self, leased: Leased) -> object:
        task = _task(leased, WatchAttempt)
        trade = await self._at(task).provider.query(task.out_trade_no)
        return Unpaid() if trade.state is TradeState.ABSENT else self._trade(trade)

    async def close(self, leased: Leased) -> object:
        task = _task(leased, WatchAttempt)
        provider, number = self._at(task).provider, task.out_trade_no
        try:
            await provider.close(number)
        except AlreadyPaid:
            return self._trade(await provider.query(number))
        except NotFound:
            return Shut()  # nothing was ever opened under this number
        return Shut()

    async def resume_close(self, leased: Leased) -> object:
        task = _task(leased, WatchAttempt)
        provider, number = self._at(task).provider, task.out_trade_no
        try:
            trade = await resume_close(provider, number)
        except AlreadyPaid:
            trade = await provider.query(number)
        return self._trade(trade)

    async def refund(self, leased: Leased) -> object:
        task = _task(leased, SendBack)
        await self.fresh_keys(task)
        return refund_of(await self._at(task).provider.refund(self._refund_ask(task)))

    async def resume_refund(self, leased: Leased) -> object:
        task = _task(leased, SendBack)
        return refund_of(await resume_refund(self._at(task).provider, self._refund_ask(task)))

    async def declare(self, leased: Leased) -> object:
        task = _task(leased, DeclarePayment)
        return self._declared(await self._at(task).provider.declare(self._declare_ask(task)))

    async def push(self, leased: Leased) -> object:
        task = _task(leased, DeclarePayment)
        return self._declared(await self._at(task).provider.push_declaration(self._declare_ask(task)))

    async def declared(self, leased: Leased) -> object:
        task = _task(leased, DeclarePayment)
        answer = await self._at(task).provider.query_declaration(self._declare_ask(task))
        return NotDeclared() if answer is None else self._declared(answer)

    async def fresh_keys(self, task: Task) -> None:
        """Fetch the platform keys at a process's first call and every 12 h of its calls.

        Keys are a process's own memory, so this is no timer of the database: a row would refresh one process only.
        One that only receives notifications fetches when it meets a serial that it does not know. Failing is no
        harm: the pinned keys stay, and an unknown serial asks again.
        """
        now, refresh = self._resources.clock.now(), self._at(task).refresh_keys
        last = self._keys_at.get(task.provider)
        if refresh is None or (last is not None and now - last < KEYS_EVERY):
            return
        self._keys_at[task.provider] = now
        try:
            await refresh()
        except Failure as failure:
            log.warning("platform keys were not fetched", provider=task.provider, code=failure.code)

    # --- their values and ours --------------------------------------------------------------------

    def _open_ask(self, task: OpenAttempt) -> OpenAsk:
        return OpenAsk(task.out_trade_no, task.amount, task.title, task.expires_at, self._at(task).notify_url)

    def _refund_ask(self, task: SendBack) -> RefundAsk:
        return RefundAsk(
            task.out_trade_no, task.out_refund_no, task.amount, task.total, self._at(task).refund_url,
            task.reason, task.transaction_id,
        )  # fmt: skip

    def _declare_ask(self, task: DeclarePayment) -> DeclareAsk:
        return DeclareAsk(
            task.out_trade_no, task.transaction_id, task.place, task.merchant_customs_no, task.amount,
            identity=self._identity(task.person), merchant_customs_name=task.merchant_customs_name,
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
        return Call(task, desk.told(run), unknown="query", query=desk.told(query))

    def harmless(task: type, run: Run) -> Call:
        return Call(task, desk.told(run), unknown="resend")

    return {
        OPEN: sure(OpenAttempt, desk.open, desk.resume_open),
        QUERY: harmless(WatchAttempt, desk.query),
        CLOSE: sure(WatchAttempt, desk.close, desk.resume_close),
        REFUND: Call(SendBack, desk.told(desk.refund), "query", desk.told(desk.resume_refund), backoff=REFUND_BACKOFF),
        REFUND_CHECK: harmless(SendBack, desk.resume_refund),
        DECLARE: harmless(DeclarePayment, desk.declare),
        DECLARE_CHECK: harmless(DeclarePayment, desk.declared),
        DECLARE_PUSH: harmless(DeclarePayment, desk.push),
    }


def _task(leased: Leased, kind: type[T]) -> T:
    assert isinstance(leased.task, kind)
    return leased.task
