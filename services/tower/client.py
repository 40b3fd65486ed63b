"""What the tower asks of other services while a page is made: always optional, with a short deadline, read only.

The reader's own `Authorization` goes along, so that nobody is shown more than the service itself would show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Literal

import httpx

from services.tower.attention import Attended, told
from services.tower.cases import LISTS, Case, cases, oldest_first
from shared.http.operations import PATH
from shared.logs import logger

log = logger("tower.client")

KEEP: Final = 5.0  # seconds for which an answer about what is set aside counts: every page of an operator shows it


@dataclass(frozen=True, slots=True)
class Answer:
    """told: `body` is the answer · unknown: it has no such order (yet) · silent: no answer in time · unasked: the tower
    was not told where the service is."""

    state: Literal["told", "unknown", "silent", "unasked"]
    body: Mapping[str, Any] = field(default_factory=dict)


UNASKED: Final = Answer("unasked")


@dataclass
class Colleagues:
    """`urls` by service; a service without one is not asked."""

    http: httpx.AsyncClient
    urls: Mapping[str, str]
    seconds: float
    _kept: dict[str, tuple[float, Attended]] = field(default_factory=dict)

    async def ask(self, service: str, path: str, authorization: str) -> Answer:
        url = self.urls.get(service, "")
        if not url:
            return UNASKED
        try:
            reply = await self.http.get(
                url + path, headers={"Authorization": authorization}, timeout=httpx.Timeout(self.seconds, connect=0.5)
            )
            if reply.status_code == 404:
                return Answer("unknown")
            body = reply.raise_for_status().json()
            return Answer("told", body) if isinstance(body, dict) else Answer("silent")
        except (httpx.HTTPError, ValueError) as error:
            log.info("a service did not answer", service=service, reason=type(error).__name__)
            return Answer("silent")

    async def about(self, order_id: str, authorization: str) -> dict[str, Answer]:
        """One order's money, declaration and shipment, asked at once."""
        paths = {
            "payments": f"/v1/payments/{order_id}",
            "customs": f"/v1/declarations/{order_id}",
            "logistics": f"/v1/orders/{order_id}/shipment",
        }
        answers = await asyncio.gather(*(self.ask(name, path, authorization) for name, path in paths.items()))
        return dict(zip(paths, answers, strict=True))

    async def set_aside(self, authorization: str) -> Attended:
        """Of every service; those that do not answer are named. For operators only: answers are kept a moment."""
        names = [name for name in self.urls if self.urls[name]]
        found = await asyncio.gather(*(self._set_aside(name, authorization) for name in names))
        return sum(found, Attended())

    async def _set_aside(self, service: str, authorization: str) -> Attended:
        at, kept = self._kept.get(service, (float("-inf"), Attended()))
        if monotonic() - at < KEEP:
            return kept
        answer = await self.ask(service, PATH.format(service=service), authorization)
        try:
            found = told(answer.body) if answer.state == "told" else Attended(silent=(service,))
        except (KeyError, TypeError, ValueError):
            found = Attended(silent=(service,))
        self._kept[service] = (monotonic(), found)
        return found

    async def cases(self, authorization: str) -> tuple[tuple[Case, ...], tuple[str, ...]]:
        """Open ones of all services, the oldest first, and who did not answer."""
        answers = await asyncio.gather(*(self.ask(name, path, authorization) for name, path in LISTS.items()))
        asked = dict(zip(LISTS, answers, strict=True))
        found = [case for name, answer in asked.items() for case in cases(name, answer.body)]
        silent = tuple(name for name, answer in asked.items() if answer.state in ("silent", "unknown"))
        return oldest_first(found), silent
