"""WeChat Pay's way in. The signature decides over the raw bytes; what it seals is ours to open with the APIv3 key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final

from services.payments.commands import PaidTold, RefundTold
from services.payments.providers.base import Capture, Notified, PaymentProvider, Refund
from services.payments.providers.wechat import wire
from services.payments.providers.words import paid_of, refund_of
from services.payments.store import seal_evidence
from shared.errors import Failure, Unrecognised
from shared.flow.decision import Reply
from shared.flow.fold import TooEarly
from shared.flow.items import Poison
from shared.http.aliases import Aliases
from shared.http.app import Inbound, Incoming
from shared.http.problem import TooLarge
from shared.ids import OrderId
from shared.security.vault import Keyring

NOTIFY: Final = "/wechat/notify"
REFUND_NOTIFY: Final = "/wechat/refund-notify"
TAKEN: Final = Reply(204, b"")


@dataclass(frozen=True)
class WeChatDoor:
    """Payments and refunds come to addresses of their own and are read alike."""

    provider: PaymentProvider
    aliases: Aliases
    columns: Keyring = field(repr=False)

    name: ClassVar[str] = "wechat"
    paths: ClassVar[tuple[str, ...]] = (NOTIFY, REFUND_NOTIFY)
    keeps: ClassVar[tuple[str, ...]] = (
        "wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial",
    )  # fmt: skip

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        """A repetition has the same id under a new signature; what cannot be understood is known by its bytes."""
        try:
            told = await self.provider.notified(inbound.headers, inbound.body, now)
        except Unrecognised as failure:
            return Incoming(hashlib.sha256(inbound.body).hexdigest(), Poison(failure), TAKEN)
        number = told.content.out_trade_no
        lane = (await self.aliases.of([number])).get(number)
        if lane is None:
            unknown = TooEarly("a payment number that is not known here", where=told.content.out_trade_no)
            return Incoming(told.once[0], Poison(unknown), TAKEN)
        return Incoming(told.once[0], self._content(told, OrderId(lane)), TAKEN)

    def _content(self, told: Notified, order_id: OrderId) -> object:
        match told.content:
            case Capture() as capture:
                return PaidTold(order_id, paid_of(capture, seal_evidence(self.columns, told.text)))
            case Refund() as refund:
                return RefundTold(order_id, refund_of(refund))

    def refusal(self, failure: Failure) -> Reply:
        """Anything but 2xx makes it come again; the body tells no more than the kind of no."""
        if isinstance(failure, TooLarge):
            return Reply(413, wire.reply(failure).body)
        said = wire.reply(failure)
        return Reply(said.status, said.body)
