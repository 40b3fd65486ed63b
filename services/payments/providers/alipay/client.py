"""Alipay over HTTP: the only I/O of this vendor. Deadlines are the client's own `timeout=`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

import httpx

from services.payments.providers.alipay import customs, envelope, notify, statuses, wire
from services.payments.providers.alipay.envelope import Answered, Call
from services.payments.providers.alipay.keys import Account, Trust, UnknownCertificate
from services.payments.providers.base import (
    Busy,
    CustomsAnswer,
    DeclareAsk,
    Exchange,
    NotFound,
    Notified,
    OpenAsk,
    Opened,
    ProviderRefused,
    Refund,
    RefundAsk,
    Trade,
    TradeState,
)
from services.payments.providers.client_asking import belief, question, send
from services.payments.providers.fields import Fields
from shared.errors import BadInput, SignatureRefused

VENDOR: Final = "Alipay"
# Unknown certificates are named by anybody: they may make us ask this often and no more.
FETCH_EVERY: Final = timedelta(seconds=60)
T = TypeVar("T")


class Alipay:
    """A `PaymentProvider`. Safe to share between tasks.

    http: its `timeout` is the deadline of a call (shorter than a lease).
    gateway: the one URL of all methods.
    """

    def __init__(
        self, http: httpx.AsyncClient, gateway: str, account: Account, trust: Trust, *, now: Callable[[], datetime]
    ) -> None:
        self._http, self._gateway, self._account, self._trust, self._now = http, gateway, account, trust, now
        self._fetched: datetime | None = None

    async def open(self, ask: OpenAsk) -> Opened:
        call = wire.build_open(ask)
        return await self._told(call, lambda fields, texts: wire.parse_opened(fields, ask, texts, self._now()))

    async def query(self, out_trade_no: str) -> Trade:
        """Alipay has no trade before the buyer opened the QR: ABSENT is no proof that nobody will pay."""
        call = wire.build_query(out_trade_no)
        try:
            with question(VENDOR):
                return await self._told(call, lambda fields, texts: wire.parse_trade(fields, out_trade_no, texts))
        except NotFound:
            return Trade(out_trade_no, TradeState.ABSENT)

    async def close(self, out_trade_no: str) -> None:
        call = wire.build_close(out_trade_no)
        await self._told(call, lambda fields, _texts: wire.check_echo(fields, "out_trade_no", out_trade_no))

    async def cancel(self, out_trade_no: str) -> bool:
        """Whether it had been paid and went back; else it is closed. Raises Unanswered: ask again."""
        call = wire.build_cancel(out_trade_no)
        return await self._told(call, lambda fields, _texts: wire.parse_cancelled(fields, out_trade_no))

    async def refund(self, ask: RefundAsk) -> Refund:
        return await self._told(wire.build_refund(ask), lambda fields, _texts: wire.parse_refund(fields, ask))

    async def query_refund(self, ask: RefundAsk) -> Refund | None:
        """Ten seconds after the refund at the earliest, says the vendor: the caller's pause sees to that."""
        call = wire.build_query_refund(ask)
        try:
            with question(VENDOR):
                return await self._told(call, lambda fields, _texts: wire.parse_refund_found(fields, ask))
        except NotFound:
            return None

    async def declare(self, ask: DeclareAsk) -> CustomsAnswer:
        call = customs.build_declare(ask)
        return await self._told(call, lambda fields, texts: customs.parse_declared(fields, ask, texts))

    async def query_declaration(self, ask: DeclareAsk) -> CustomsAnswer | None:
        call = customs.build_query(customs.request_no(ask))
        with question(VENDOR):
            return await self._told(call, lambda fields, texts: customs.parse_queried(fields, ask, texts))

    async def push_declaration(self, ask: DeclareAsk) -> CustomsAnswer:
        """The identical declaration again is a push."""
        return await self.declare(ask)

    async def notified(self, headers: Mapping[str, str], body: bytes, at: datetime | None = None) -> Notified:  # noqa: ARG002 - they carry neither signature nor time in headers
        return notify.notified(body, self._account, self._trust)

    async def _told(self, call: Call, parse: Callable[[Fields, Exchange], T]) -> T:
        request = envelope.signed(self._account, envelope.parameters(self._account, call, self._now()))
        answer = await self._sent(request)
        with belief(VENDOR):
            fields = await self._received(answer, call.method)
            return parse(fields, Exchange(f"{request.query}\n{request.body}", answer.body.decode("utf-8", "replace")))

    async def _received(self, answer: Answered, method: str) -> Fields:
        try:
            return envelope.receive(answer, method, self._trust)
        except UnknownCertificate as unknown:
            if not await self._fetched_certificate(unknown.sn):
                raise
        return envelope.receive(answer, method, self._trust)

    async def _fetched_certificate(self, sn: str) -> bool:
        """Whether Alipay's certificate was fetched and a root of ours vouches for it."""
        now = self._now()
        if self._fetched is not None and now - self._fetched < FETCH_EVERY:
            return False
        self._fetched = now
        call = wire.build_certificate(sn)
        request = envelope.signed(self._account, envelope.parameters(self._account, call, now))
        try:
            with question(VENDOR):
                answer = await self._sent(request)
                self._trust = _vouched(answer, self._trust, now)
        except (Busy, ProviderRefused, SignatureRefused, BadInput):
            return False
        return True

    async def _sent(self, request: envelope.Signed) -> Answered:
        # As one URL, so that the client sends the very query that was signed.
        url = httpx.URL(self._gateway).copy_with(query=request.query.encode("ascii"))
        headers = {"Content-Type": envelope.CONTENT_TYPE}
        built = self._http.build_request("POST", url, content=request.body.encode("ascii"), headers=headers)
        response = await send(self._http, built, VENDOR)
        return Answered(response.status_code, response.content)


def _vouched(answer: Answered, trust: Trust, now: datetime) -> Trust:
    """The answer itself may be signed with the new certificate: first its chain is checked, then the signature."""
    parts = envelope.members(answer.body)
    node = parts.get(envelope.node_name(statuses.CERTIFICATE))
    if node is None:
        raise BadInput("an answer to something else", where="body")
    renewed = trust.including(wire.parse_certificate(Fields.parse(node.encode())), now)
    envelope.receive(answer, statuses.CERTIFICATE, renewed)
    return renewed
