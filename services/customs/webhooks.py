"""Customs' way in: envelopes of the exchange platform. Receipts carry no signature, so the envelope's must hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from services.customs.commands import FormatRefused, Spoken
from services.customs.documents import FormatReply
from services.customs.providers.ceb import dxp, reply, wire
from services.customs.providers.ceb.signature import Verifier
from services.customs.receipts import NotUnderstood, Receipt
from services.customs.store_names import attributed
from shared.clock import Clock
from shared.errors import BadInput, Failure, SignatureRefused, Transient, Unrecognised
from shared.flow.decision import Reply
from shared.flow.items import Poison
from shared.http.aliases import Aliases
from shared.http.app import Inbound, Incoming
from shared.http.problem import TooLarge

XML: Final = "application/xml; charset=utf-8"
# Platform codes of what we refuse (GACC edition 202205, table of platform codes), and the HTTP status beside them.
_REFUSALS: Final[tuple[tuple[type[Failure], int, str, str], ...]] = (
    (SignatureRefused, 401, "1004", "signature not accepted"),
    (TooLarge, 413, "0001", "message too large"),
    (Transient, 503, "3001", "try again"),
    (Failure, 400, "0001", "message format error"),
)


@dataclass(frozen=True)
class WindowDoor:
    """`dxp_id` is ours on the platform: what is not addressed to it is not for us."""

    aliases: Aliases
    verifiers: Sequence[Verifier]
    dxp_id: str
    clock: Clock

    name: ClassVar[str] = "customs"
    paths: ClassVar[tuple[str, ...]] = ("/webhooks/customs/dxp",)
    keeps: ClassVar[tuple[str, ...]] = ()

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        envelope = dxp.open_envelope(inbound.body, self.verifiers, now)
        key = f"{envelope.cop_msg_id[:255]}:{hashlib.sha256(inbound.body).hexdigest()}"
        answer = Reply(200, reply.build(reply.TAKEN, "", now, envelope), XML)
        return Incoming(key, await self._content(envelope), answer)

    async def _content(self, envelope: dxp.Envelope) -> object:
        """What it says, or why a person must look at it. Authentic either way: it is acknowledged and kept."""
        if self.dxp_id not in envelope.receiver_ids:
            return Poison(Unrecognised("receiver of an envelope", ", ".join(envelope.receiver_ids)))
        try:
            words = [_word(one) for one in wire.parse_incoming(envelope.data)]
        except (BadInput, Unrecognised) as failure:
            return Poison(failure)
        if all(isinstance(word, Receipt) and isinstance(word.reading, NotUnderstood) for word in words):
            statuses = sorted({word.status for word in words if isinstance(word, Receipt)})
            return Poison(Unrecognised("return status", ", ".join(statuses)))
        return await attributed(self.aliases, words)

    def refusal(self, failure: Failure) -> Reply:
        _, status, code, info = next(row for row in _REFUSALS if isinstance(failure, row[0]))
        return Reply(status, reply.build(code, info, self.clock.now()), XML)


def _word(one: wire.Incoming) -> Spoken:
    """A format reply quotes our whole document, persons and all: only its head goes on."""
    if isinstance(one, FormatReply):
        return FormatRefused(one.ori_cop_msg_id, one.return_status, one.return_info[:200], one.return_time)
    return one
