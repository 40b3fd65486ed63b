"""The providers' ways in. The signature decides over the raw bytes; what each vendor is answered is its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.payments.commands import ExpiredTold, PaidTold, RefundTold, SentBackTold
from services.payments.providers.alipay import notify as alipay
from services.payments.providers.base import Capture, Expired, Notified, PaymentProvider, Refund, SentBack
from services.payments.providers.wechat import wire as wechat
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

WECHAT_NOTIFY: Final = "/wechat/notify"
WECHAT_REFUND_NOTIFY: Final = "/wechat/refund-notify"
ALIPAY_NOTIFY: Final = "/alipay/notify"


@dataclass(frozen=True)
class Manners:
    """How a vendor wants to be met: its addresses, the headers that its signature needs, and its words for yes and no.

    WeChat Pay tells payments and refunds at addresses of their own, which are read alike.
    """

    name: str
    paths: tuple[str, ...]
    keeps: tuple[str, ...]
    reply: Callable[[Failure | None], Reply]


def _wechat_reply(problem: Failure | None) -> Reply:
    said = wechat.reply(problem)
    return Reply(said.status, said.body)


WECHAT: Final = Manners(
    "wechat",
    (WECHAT_NOTIFY, WECHAT_REFUND_NOTIFY, "/webhooks/payments/wechat"),
    ("wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial"),
    _wechat_reply,
)
ALIPAY: Final = Manners("alipay", (ALIPAY_NOTIFY, "/webhooks/payments/alipay"), (), alipay.reply)


@dataclass(frozen=True)
class ProviderDoor:
    """One provider's way in."""

    manners: Manners
    provider: PaymentProvider
    aliases: Aliases
    columns: Keyring = field(repr=False)

    @property
    def name(self) -> str:
        return self.manners.name

    @property
    def paths(self) -> tuple[str, ...]:
        return self.manners.paths

    @property
    def keeps(self) -> tuple[str, ...]:
        return self.manners.keeps

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        """A repetition has the same id under a new signature; what cannot be understood is known by its bytes."""
        taken = self.manners.reply(None)
        try:
            told = await self.provider.notified(inbound.headers, inbound.body, now)
        except Unrecognised as failure:
            return Incoming(hashlib.sha256(inbound.body).hexdigest(), Poison(failure), taken)
        number = told.content.out_trade_no
        lane = (await self.aliases.of([number])).get(number)
        if lane is None:
            unknown = TooEarly("a payment number that is not known here", where="number")
            return Incoming(told.once[0], Poison(unknown), taken)
        return Incoming(told.once[0], self._content(told, OrderId(lane)), taken)

    def _content(self, told: Notified, order_id: OrderId) -> object:
        match told.content:
            case Capture() as capture:
                return PaidTold(order_id, paid_of(capture, seal_evidence(self.columns, told.text)))
            case Refund() as refund:
                return RefundTold(order_id, refund_of(refund))
            case Expired(out_trade_no=number):
                return ExpiredTold(order_id, number)
            case SentBack(out_trade_no=number):
                return SentBackTold(order_id, number)

    def refusal(self, failure: Failure) -> Reply:
        """Anything but the vendor's yes makes it come again; the body tells no more than the kind of no."""
        said = self.manners.reply(failure)
        # Too many bytes are no notification at all: HTTP's own word, whoever sent them.
        return Reply(413, said.body, said.content_type) if isinstance(failure, TooLarge) else said
