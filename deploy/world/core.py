"""What every partner shares: configuration, keys, books, the sender, and the dice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deploy.world.books import Books, OrderBook, Push
from deploy.world.config import Config
from deploy.world.keys import Keys
from deploy.world.plan import chance
from deploy.world.sender import Delivery, Sender

SERVER_ERROR: Final = "server_error"
LOST: Final = "lost"
LATE: Final = "late"
FAILED: Final = "failed"


class BrokenOff(Response):
    """Headers, then nothing: the server closes the connection and the client never learns what happened."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        headers = [(b"content-type", b"application/octet-stream"), (b"content-length", b"64")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


@dataclass(slots=True)
class Core:
    config: Config
    keys: Keys
    sender: Sender
    books: Books = field(default_factory=Books)
    misbehaving: float = 0.0  # share of the current run; scales the faults of answers
    _rolled: set[tuple[str, str]] = field(default_factory=set)

    def pause(self, seconds: float) -> float:
        """Real seconds that this much life takes here."""
        return seconds / self.config.time_scale

    def fault(self, door: str, key: str, *numbers: str) -> str:
        """What goes wrong with the answer to the first call of this key at this door; "" is nothing.

        numbers: what the order is known by, where the key is not.
        """
        if self.misbehaving <= 0 or (door, key) in self._rolled:
            return ""
        self._rolled.add((door, key))
        faults = self.config.faults
        roll = chance(self.config.seed, door, key)
        shares = {SERVER_ERROR: faults.server_error, LOST: faults.lost, LATE: faults.late, FAILED: faults.failed}
        fault, reached = "", 0.0
        for name, share in shares.items():
            reached += share
            if not fault and roll < reached:
                fault = name
        if fault:
            self.books.file("faults", numbers or (key,), {"door": door, "fault": fault})
        return fault

    async def wounded(self, fault: str, response: Response) -> Response:
        """The answer as this fault lets it through; what it answers for has happened."""
        if fault == LATE:
            await asyncio.sleep(self.config.faults.late_seconds)
        if fault == FAILED:
            return Response(status_code=500)
        return BrokenOff() if fault == LOST else response

    def send(
        self, numbers: tuple[str, ...], kind: str, push_id: str, delivery: Delivery, *, after: float = 0.0
    ) -> Push:
        """Start a delivery about the order with these numbers; twice when its plan says so."""
        book = self.books.find(*numbers)
        push = self.books.push(numbers, Push(kind, push_id))
        self.sender.start(push, delivery, after=after)
        if book is not None and "duplicate_pushes" in book.plan:
            again = self.books.push(numbers, Push(kind, push_id))
            self.sender.start(again, delivery, after=after + 0.02)
        return push

    def send_forged(self, numbers: tuple[str, ...], kind: str, push_id: str, delivery: Delivery) -> Push:
        """One attempt that must be refused."""
        push = self.books.push(numbers, Push(kind, push_id, wanted="refusal"))
        self.sender.start(push, delivery)
        return push

    def plans(self, kind: str, *numbers: str) -> bool:
        book = self.books.find(*numbers)
        return book is not None and kind in book.plan

    def mark(self, what: str, *numbers: str) -> OrderBook | None:
        book = self.books.find(*numbers)
        if book is not None:
            book.mark(what)
        return book

    def distrust(self, partner: str, why: str, **more: Any) -> None:  # noqa: ANN401
        self.books.refused_calls.append({"partner": partner, "why": why, **more})
