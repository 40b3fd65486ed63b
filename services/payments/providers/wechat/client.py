"""WeChat Pay over HTTP: the only I/O of this vendor. Deadlines are the client's own `timeout=`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

import httpx

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
from services.payments.providers.wechat import customs, wire
from services.payments.providers.wechat.keys import KeyRing, Merchant, UnknownSerial
from services.payments.providers.wechat.wire import Answer, Call
from shared.errors import BadInput, SignatureRefused

# Unknown serials come from anybody: they may make us ask for keys this often and no more.
REFRESH_EVERY: Final = timedelta(seconds=60)
VENDOR: Final = "WeChat Pay"
T = TypeVar("T")


class WeChatPay:
    """A `PaymentProvider`. Safe to share between tasks.

    http: its `base_url` is the provider's host, its `timeout` the deadline of a call (shorter than a lease).
    ring: the platform keys known at start; `refresh_keys` belongs into a timer of 12 h.
    platform_key: PUB_KEY_ID_… where the account has the public key mode, else empty.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        merchant: Merchant,
        ring: KeyRing,
        *,
        now: Callable[[], datetime],
        platform_key: str = "",
        nonce: Callable[[], str] = lambda: secrets.token_hex(16).upper(),
    ) -> None:
        self._http, self._merchant, self._ring = http, merchant, ring
        self._now, self._nonce, self._platform_key = now, nonce, platform_key
        self._refreshed: datetime | None = None

    async def open(self, ask: OpenAsk) -> Opened:
        call = wire.build_open(self._merchant, ask)
        return await self._told(call, lambda fields, texts: wire.parse_opened(fields, ask, texts, self._now()))

    async def query(self, out_trade_no: str) -> Trade:
        call = wire.build_query(self._merchant, out_trade_no)
        try:
            with question(VENDOR):
                return await self._told(
                    call, lambda fields, texts: wire.parse_trade(fields, self._merchant, out_trade_no, texts)
                )
        except NotFound:
            return Trade(out_trade_no, TradeState.ABSENT)

    async def close(self, out_trade_no: str) -> None:
        await self._told(wire.build_close(self._merchant, out_trade_no), lambda _fields, _texts: None)

    async def refund(self, ask: RefundAsk) -> Refund:
        return await self._told(
            wire.build_refund(ask), lambda fields, _texts: wire.parse_refund(fields, ask.out_refund_no)
        )

    async def query_refund(self, ask: RefundAsk) -> Refund | None:
        call = wire.build_query_refund(ask.out_refund_no)
        try:
            with question(VENDOR):
                return await self._told(call, lambda fields, _texts: wire.parse_refund(fields, ask.out_refund_no))
        except NotFound:
            return None

    async def declare(self, ask: DeclareAsk) -> CustomsAnswer:
        call = customs.build_declare(self._merchant, ask)
        return await self._told_in_xml(call, lambda fields, texts: customs.parse_declared(fields, ask, texts))

    async def query_declaration(self, ask: DeclareAsk) -> CustomsAnswer | None:
        call = customs.build_query(self._merchant, ask)
        try:
            with question(VENDOR):
                return await self._told_in_xml(call, lambda fields, texts: customs.parse_queried(fields, ask, texts))
        except NotFound:
            return None

    async def push_declaration(self, ask: DeclareAsk) -> CustomsAnswer:
        call = customs.build_push(self._merchant, ask)
        return await self._told_in_xml(call, lambda fields, texts: customs.parse_declared(fields, ask, texts))

    async def notified(self, headers: Mapping[str, str], body: bytes, at: datetime | None = None) -> Notified:
        """As `wire.notified`; an unknown serial makes us fetch the keys once and look again."""
        at = at or self._now()
        try:
            return wire.notified(headers, body, self._merchant, self._ring, at)
        except UnknownSerial:
            if not await self._refresh_if_due():
                raise
        return wire.notified(headers, body, self._merchant, self._ring, at)

    async def refresh_keys(self) -> None:
        """Load the platform certificates. An account of the public key mode has none, which is no error."""
        self._refreshed = self._now()
        with question(VENDOR):
            answer = await self._sent(wire.build_certificates())
            try:
                loaded = wire.parse_certificates(answer, self._merchant, self._ring, self._now())
            except NotFound:
                return
        self._ring = self._ring.including(loaded, self._now())

    async def _refresh_if_due(self) -> bool:
        """Whether the keys were fetched. A failure to fetch leaves the old keys: the sender comes again."""
        if self._refreshed is not None and self._now() - self._refreshed < REFRESH_EVERY:
            return False
        try:
            await self.refresh_keys()
        except (Busy, ProviderRefused, SignatureRefused, BadInput):
            return False
        return True

    async def _told(self, call: Call, parse: Callable[[Fields, Exchange], T]) -> T:
        answer = await self._sent(call)
        with belief(VENDOR):
            return parse(await self._received(answer), _exchange(call, answer))

    async def _told_in_xml(self, call: Call, parse: Callable[[Mapping[str, str], Exchange], T]) -> T:
        answer = await self._sent(call)
        with belief(VENDOR):
            return parse(customs.receive(answer, self._merchant), _exchange(call, answer))

    async def _received(self, answer: Answer) -> Fields:
        try:
            return wire.receive(answer, self._ring, self._now())
        except UnknownSerial:
            if not await self._refresh_if_due():
                raise
        return wire.receive(answer, self._ring, self._now())

    async def _sent(self, call: Call) -> Answer:
        response = await send(self._http, self._signed(call), VENDOR)
        return Answer(response.status_code, response.headers, response.content)

    def _signed(self, call: Call) -> httpx.Request:
        request = self._http.build_request(call.method, call.path, content=call.body or None)
        # Signed is the path that the client really sends, after its own encoding and with the base URL's prefix.
        target = request.url.raw_path.decode("ascii")
        if call.path.startswith("/v3/"):
            request.headers.update(
                wire.headers(
                    self._merchant, call, target, now=self._now(), nonce=self._nonce(), platform=self._platform_key
                )
            )
        else:
            request.headers.update({"Content-Type": "text/xml; charset=utf-8", "User-Agent": wire.USER_AGENT})
        return request


def _exchange(call: Call, answer: Answer) -> Exchange:
    return Exchange(call.body.decode() or call.path, answer.body.decode("utf-8", "replace"))
