"""The only I/O of the unified-version system: a stored envelope goes out by POST, a DxpRep comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import httpx

from services.customs.providers.base import Link, Office, OfficeUnconfirmed, WindowAnswer, WindowRefused
from services.customs.providers.ceb import dxp, statuses
from services.customs.receipts import Trouble
from shared.errors import Failure, Transient, Unknown
from shared.http.client import sending

# What `ResponseCode` says when the platform took a message is printed nowhere (unconfirmed), so it is a setting.
TAKEN: Final = frozenset({"0", "0000"})
_HEADERS: Final = {"content-type": "application/xml; charset=utf-8"}
_COME_AGAIN: Final = frozenset({408, 425, 429, 503})


@dataclass(frozen=True, slots=True)
class CebWindow:
    """`http` brings its own deadlines; do not wrap `submit` in another one."""

    http: httpx.AsyncClient
    url: str
    link: Link
    taken: frozenset[str] = TAKEN

    async def submit(self, envelope: bytes, office: Office) -> WindowAnswer:
        if self.link is Link.LIVE and not office.confirmed:
            raise OfficeUnconfirmed(office.code)
        # Nobody knows whether what was not answered was taken: the same bytes again.
        with sending(Transient("customs window unreachable"), Unknown("customs window did not answer")):
            reply = await self.http.post(self.url, content=envelope, headers=_HEADERS)
        return self._judged(reply)

    def _judged(self, reply: httpx.Response) -> WindowAnswer:
        if reply.status_code in _COME_AGAIN:
            raise Transient(f"customs window answered {reply.status_code}")
        if reply.status_code >= 500:
            raise Unknown(f"customs window answered {reply.status_code}")
        if not reply.is_success:
            raise WindowRefused(f"http {reply.status_code}", "")
        try:
            answer = dxp.read_answer(reply.content)
        except Failure as error:  # a success that cannot be read may well have been one
            raise Unknown("customs window's answer is no DxpRep") from error
        return self._accepted(answer)

    def _accepted(self, answer: WindowAnswer) -> WindowAnswer:
        """Unrecognised for a code that is in no list; the platform's own system errors (3001 to 3999) may pass."""
        if answer.code in self.taken:
            return answer
        if statuses.platform_class(answer.code) is Trouble.RETRY:
            raise Transient(f"customs window could not take it ({answer.code})")
        raise WindowRefused(answer.code, answer.info)
