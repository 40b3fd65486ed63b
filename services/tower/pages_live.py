"""One stream a tab says that something changed; the page then fetches itself. A lost or doubled message is harmless."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from services.tower.store_figures import changes, last_change
from shared.db.engine import ReadTx
from shared.logs import logger
from shared.security.auth import Principal

log = logger("tower.live")

EVERY: Final = 1.0  # seconds between two looks, whatever the number of open pages
BEAT: Final = 15  # looks without news until a comment keeps the connection open
OVERLAP: Final = 500  # a number drawn earlier may be committed later: look back this far
RING: Final = 4000
RETRY: Final = b"retry: 1500\n\n"


@dataclass
class Hub:
    """What the streams of one process share: who looked last, and what was found."""

    read: ReadTx
    stopping: asyncio.Event
    limit: int
    open: int = 0
    seen: int = 0
    """How many changes were found since this process started; a stream remembers how many of them it has told."""
    last: int = -1
    ring: deque[tuple[int, str, str]] = field(default_factory=lambda: deque(maxlen=RING))
    _start: int = 0
    _looked: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self) -> None:
        """At most one query a second for all streams together."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._looked < EVERY / 2:
                return
            if self.last < 0:
                self.last = self._start = await last_change(self.read)
            known = {change for change, _, _ in self.ring}
            after = max(self._start, self.last - OVERLAP)
            found = [row for row in await changes(self.read, after) if row[0] not in known]
            self.ring.extend(found)
            self.seen += len(found)
            self.last = max([self.last, *(change for change, _, _ in found)])
            self._looked = now

    def news(self, principal: Principal, watch: str, told: int) -> bool:
        """Whether this reader has missed something that it watches ("" is everything that it may see)."""
        missed = self.seen - told
        if missed > len(self.ring):
            return True
        recent = list(self.ring)[len(self.ring) - missed :]
        return any(principal.sees(seller) and watch in ("", order_id) for _, order_id, seller in recent)

    async def stream(self, principal: Principal, watch: str, after: int | None) -> AsyncIterator[bytes]:
        """Server-sent events until the page goes, the service stops or the database is away; the page comes back."""
        self.open += 1
        try:
            async for message in self._messages(principal, watch, after):
                yield message
        except (OSError, SQLAlchemyError) as error:
            log.warning("live stream ended", reason=type(error).__name__)
        finally:
            self.open -= 1

    async def _messages(self, principal: Principal, watch: str, after: int | None) -> AsyncIterator[bytes]:
        yield RETRY
        await self.look()
        told, quiet = self.seen, 0
        if after is not None and after != self.last:
            yield self._message("resync", watch)
        while not await self._stopped():
            await self.look()
            quiet += 1
            if self.news(principal, watch, told):
                yield self._message("changed", watch)
                quiet = 0
            elif quiet >= BEAT:
                yield b": \n\n"
                quiet = 0
            told = self.seen

    def _message(self, event: str, watch: str) -> bytes:
        return f"id: {self.last}\nevent: {event}\ndata: {watch or 'orders'}\n\n".encode()

    async def _stopped(self) -> bool:
        try:
            await asyncio.wait_for(self.stopping.wait(), EVERY)
        except TimeoutError:
            return False
        return True
