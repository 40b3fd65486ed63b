"""The HTTP edge: doors for partners (raw bytes, stored before they are acknowledged), problem documents, health."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import ClientDisconnect

from shared.clock import Clock
from shared.errors import Failure, SignatureRefused
from shared.events.envelope import Cause
from shared.flow.decision import Process, Reach, Reply
from shared.flow.intake import Intake
from shared.flow.items import Fate, Item, Poison, Receipt, Result
from shared.http.edge import Documented, known_parameters, response, round_off
from shared.http.problem import TooLarge, problem_reply
from shared.ids import derived
from shared.logs import logger
from shared.security.vault import Keyring
from shared.telemetry import Telemetry

log = logger("http")

MAX_BODY: Final = 256 * 1024
MOST_TOLD: Final = 100  # messages of one request: they are stored together, so they share one batch and its budget


@dataclass(frozen=True, slots=True)
class Inbound:
    """A partner's request as it came. `headers` in lower case; `path` holds the path's parameters."""

    headers: Mapping[str, str]
    body: bytes
    path: Mapping[str, str]
    query: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that proved authentic. `key` is the delivery's own; `content` is what `decide` gets, or Poison to
    quarantine.

    `more`: further deliveries in the same request, each with a receipt of its own; `body` is then what each of them
    says for itself, the whole request where it is None. The request's answer is the first one's.
    """

    key: str
    content: object
    reply: Reply
    body: bytes | None = field(default=None, repr=False)
    more: tuple[Incoming, ...] = ()


class Door(Protocol):
    """One partner's way in."""

    @property
    def name(self) -> str: ...

    @property
    def paths(self) -> tuple[str, ...]: ...

    @property
    def keeps(self) -> tuple[str, ...]:
        """Headers to store with the bytes: what reading them again needs."""
        ...

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        """Verify, then parse. Raises SignatureRefused or BadInput; anything authentic comes back as Incoming."""
        ...

    def refusal(self, failure: Failure) -> Reply:
        """The partner's own words for no."""
        ...


@dataclass
class Reception:
    """Takes what comes through doors and APIs into the intake of one service."""

    process: Process
    intake: Intake
    clock: Clock
    columns: Keyring = field(repr=False)
    telemetry: Telemetry
    doors: dict[str, Door] = field(default_factory=dict)

    def add(self, router: APIRouter, door: Door) -> None:
        self.doors[door.name] = door
        for path in door.paths:
            router.add_api_route(path, self._endpoint(door), methods=["POST"], name=door.name, status_code=200)

    def _endpoint(self, door: Door) -> Callable[[Request], Awaitable[Response]]:
        async def take(request: Request) -> Response:
            return response(await self._take(door, request))

        return take

    async def _take(self, door: Door, request: Request) -> Reply:
        now = self.clock.now()
        try:
            inbound = Inbound(dict(request.headers), await read_body(request), request.path_params, request.url.query)
            incoming = await door.read(inbound, now)
            kept = _kept(door, inbound)
            result = await self._accept_all(door.name, incoming, inbound.body, now, kept)
        except ClientDisconnect:
            return Reply(400)
        except Failure as failure:
            self._refused(door, failure)
            return door.refusal(failure)
        return result.reply or incoming.reply

    async def _accept_all(
        self, door: str, incoming: Incoming, body: bytes, now: datetime, kept: Mapping[str, str]
    ) -> Result:
        """Everything that one request says, together: each waiting for its own commit would take seconds. Ends when all
        of it has; what failed then fails the request, and its repeat brings only that."""
        told = (incoming, *incoming.more)
        if len(told) > MOST_TOLD:
            raise TooLarge(f"at most {MOST_TOLD} messages at once")
        taking = (self.accept(door, each, each.body or body, now, kept) for each in told)
        first, *others = await asyncio.gather(*taking, return_exceptions=True)
        if failed := next((each for each in (first, *others) if isinstance(each, BaseException)), None):
            raise failed
        assert isinstance(first, Result)
        return first

    def _refused(self, door: Door, failure: Failure) -> None:
        reason = failure.reason if isinstance(failure, SignatureRefused) else str(failure)
        log.warning("refused at the door", door=door.name, code=failure.code, reason=reason)
        self.telemetry.count("corridor.refused", door=door.name, code=failure.code)

    async def accept(
        self, door: str, incoming: Incoming, body: bytes, now: datetime, kept: Mapping[str, str] | None = None
    ) -> Result:
        """Store the bytes and apply what they say, in one transaction with others of the same instant."""
        return await self.intake.accept(self.item(door, incoming, body, now, kept))

    def item(
        self, door: str, incoming: Incoming, body: bytes, now: datetime, kept: Mapping[str, str] | None = None
    ) -> Item:
        """A delivery as an item of the flow; the same delivery of the same door is the same item."""
        receipt_id = derived("receipt", self.process.service, door, incoming.key)
        reach = self._reach(incoming.content, receipt_id)
        sealed = self.columns.seal_bytes(body, place=f"receipts/{receipt_id}")
        receipt = Receipt(door, now, json.dumps(dict(kept or {})).encode(), sealed, incoming.reply)
        return Item(receipt_id, incoming.content, reach, Cause(str(receipt_id), reach.lanes[0]), receipt)

    def _reach(self, content: object, receipt_id: UUID) -> Reach:
        """What names no order goes to the lane of its own receipt."""
        if isinstance(content, Poison):
            return Reach((f"receipt:{receipt_id}",))
        return self.process.reach(content)

    async def command(self, door: str, key: str, content: object, body: bytes) -> Reply:
        """An API's command: its answer is the decision's, or the problem that refused it; a repeat gets the first
        answer."""
        item = self.item(door, Incoming(key, content, Reply(202)), body, self.clock.now())
        assert isinstance(item.origin, Receipt)
        # Asked by somebody who waits: a refusal is the answer, kept for the repeat, and nothing for a person to look
        # at.
        asked = replace(item, origin=replace(item.origin, refusal=problem_reply))
        result = await self.intake.accept(asked)
        return result.reply or Reply(500 if result.fate is Fate.DEAD else 202)


def _kept(door: Door, inbound: Inbound) -> dict[str, str]:
    """What reading the bytes again needs, as one map: headers by name, the query and the path's parameters beside
    them."""
    headers = {name: inbound.headers[name] for name in door.keeps if name in inbound.headers}
    return headers | {":query": inbound.query} | {f":path.{name}": value for name, value in inbound.path.items()}


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The raw bytes, refused as soon as they are too many: by their announced length, or while they stream in."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise TooLarge(f"at most {limit} bytes")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"at most {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def new_app(title: str) -> Documented:
    """A FastAPI with our problem documents and without its own telemetry (it would double every span)."""
    app = Documented(
        title=title,
        version="1",
        telemetry={"tracing": False, "metrics": False, "logs": False},
        redirect_slashes=False,
        dependencies=[Depends(known_parameters)],
    )
    round_off(app)
    return app
