"""What buyer and shop do about one order of an own shop, from the first push on; the plan says where it goes astray."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol, TypeVar

from deploy.world import people, seller_api, shop_wire, times
from deploy.world.books import OrderBook
from deploy.world.core import Core
from deploy.world.people import Buyer
from deploy.world.seller_api import SellerApi
from deploy.world.shop_wire import ShopOrder

T = TypeVar("T")
# In Shopify's words; every other shop has its own for the same.
CREATE: Final = "orders/create"
CANCELLED: Final = "orders/cancelled"
COMPLETED: Final = "orders/completed"
UNKNOWN_TOPIC: Final = "orders/teleported"
FIRST_POLL, LONGEST_POLL = 0.03, 1.0  # seconds
ROUNDS: Final = 3  # QR codes that a buyer is willing to see expire
STRANGER: Final = 7_000_000  # whose wallet pays for somebody else is that many buyers further


class Storefront(Protocol):
    """A shop's own side: it pushes what happened to an order."""

    async def push(
        self,
        book: OrderBook,
        topic: str,
        order: ShopOrder,
        *,
        cancelled_at: datetime | None = None,
        forged: bool = False,
        lost: int = 0,
    ) -> bool: ...


class Wallet(Protocol):
    """A payment provider's buyers' side."""

    def pay(self, code_url: str, payer: Buyer, *, short_by: int = 0) -> str: ...

    def charge_again(self, code_url: str, payer: Buyer) -> None: ...


@dataclass(frozen=True)
class OwnShop:
    """Where its buyers order, with what they pay, and with whose token the shop asks our services."""

    front: Storefront
    wallet: Wallet
    api: SellerApi


class Journey:
    def __init__(self, core: Core, shops: Mapping[str, OwnShop]) -> None:
        self._core, self._shops = core, shops
        self._orders: dict[str, ShopOrder] = {}

    async def live(self, book: OrderBook, order: ShopOrder) -> None:
        self._orders[book.external_id] = order
        book.sent_at = times.iso_utc(times.now())
        try:
            await self._script(book, order)
        finally:
            book.mark("script_ended")

    async def correct(self, book: OrderBook) -> None:
        """Customs found the address unclear: after a while an operator writes a better one."""
        await asyncio.sleep(self._core.pause(self._core.config.durations.correction))
        buyer = self._orders[book.external_id].buyer

        async def once() -> bool:
            status = await self._shop(book).api.correct(book.order_id, buyer, people.corrected(buyer.address))
            return 200 <= status < 300

        if await until(self._core, once):
            book.mark("corrected")
        else:
            book.notes.append("the corrected address was not taken")

    def _shop(self, book: OrderBook) -> OwnShop:
        return self._shops[book.shop]

    async def _script(self, book: OrderBook, order: ShopOrder) -> None:
        if not await self._place(book, order):
            return
        book.mark("accepted")
        if not await link(self._core, self._shop(book).api, book) or "cancel_before_create" in book.plan or order.paid:
            return
        if not await self._identify(book, order):
            return
        await self._buyer_pauses()
        await self._settle(book, order)

    async def _place(self, book: OrderBook, order: ShopOrder) -> bool:
        """Whether the shop's order was taken."""
        front = self._shop(book).front
        if "forged" in book.plan or "forged_create" in book.plan:
            await front.push(book, CREATE, order, forged=True)
        if "forged" in book.plan:
            return False
        if "unknown_topic" in book.plan:
            self._core.sender.spawn(front.push(book, UNKNOWN_TOPIC, order))
        if "cancel_before_create" in book.plan:
            await self._cancel(book, order)
        return await front.push(book, CREATE, order, lost=2 if "delayed_create" in book.plan else 0)

    async def _identify(self, book: OrderBook, order: ShopOrder) -> bool:
        api = self._shop(book).api
        if "wrong_identity" in book.plan:
            slip = replace(order.buyer, id_number=people.mistyped(order.buyer.id_number))
            if 200 <= await api.identify(book.order_id, slip) < 300:
                book.notes.append("an ID number with a wrong check digit was taken")

        async def once() -> int:
            status = await api.identify(book.order_id, order.buyer)
            return status if 200 <= status < 500 and status not in {404, 429} else 0

        status = await until(self._core, once) or 0
        if 200 <= status < 300:
            book.mark("identified")
            return True
        book.notes.append(f"the identity was answered with {status}")
        return False

    async def _settle(self, book: OrderBook, order: ShopOrder) -> None:
        """See the QR and do with it what the plan says."""
        payer = people.buyer(order.buyer.customer_id % STRANGER + 1) if "payer_differs" in book.plan else order.buyer
        for _ in range(ROUNDS):
            code_url = await self._qr(book)
            if not code_url or "never_pays" in book.plan:
                return
            if "cancel_unpaid" in book.plan:
                await self._cancel(book, order)
                return
            if "pays_late" in book.plan:
                await self._pay_late(book, order, code_url)
                return
            await self._buyer_pauses()
            if await self._pays(book, order, code_url, payer) and payer == order.buyer:
                return
            payer = order.buyer

    async def _pays(self, book: OrderBook, order: ShopOrder, code_url: str, payer: Buyer) -> bool:
        short_by = 1 if "wrong_amount" in book.plan else 0
        answer = self._shop(book).wallet.pay(code_url, payer, short_by=short_by)
        if answer != "paid":
            book.notes.append(f"payment refused: {answer}")
            return False
        book.mark("paid")
        if payer == order.buyer:  # somebody else's payment goes back: what is planned for a paid order comes later
            await self._after_payment(book, order, code_url)
        return True

    async def _pay_late(self, book: OrderBook, order: ShopOrder, code_url: str) -> None:
        """The wallet is slower than the merchant who gives up: the charge is made when the attempt was closed."""
        if await comes(self._core, book, "closed_by_merchant"):
            self._shop(book).wallet.charge_again(code_url, order.buyer)
            book.mark("paid")

    async def _after_payment(self, book: OrderBook, order: ShopOrder, code_url: str) -> None:
        if "pay_twice" in book.plan:
            self._shop(book).wallet.charge_again(code_url, order.buyer)
        awaited = {
            "cancel_paid": "",
            "cancel_declared": "declared",
            "release_wins": "stored",
            "cancel_released": "released",
            "cancel_exited": "exited",
        }
        for kind, mark in awaited.items():
            if kind in book.plan and (not mark or await comes(self._core, book, mark)):
                await self._cancel(book, order)
        if "confirms_receipt" in book.plan:
            self._core.sender.spawn(self._confirm(book, order))

    async def _confirm(self, book: OrderBook, order: ShopOrder) -> None:
        if await comes(self._core, book, "delivered"):
            await asyncio.sleep(self._core.pause(self._core.config.durations.confirmation))
            if await self._shop(book).front.push(book, COMPLETED, order, cancelled_at=times.now()):
                book.mark("receipt_confirmed")

    async def _cancel(self, book: OrderBook, order: ShopOrder) -> None:
        """Shopify's clock ticks in seconds: the cancelled snapshot is visibly newer than the created one."""
        cancelled_at = max(times.now(), shop_wire.after(order.created_at, 1))
        if await self._shop(book).front.push(book, CANCELLED, order, cancelled_at=cancelled_at):
            book.mark("cancel_taken")

    async def _qr(self, book: OrderBook) -> str:
        """A QR not seen before; "" when the order ended instead or patience did."""
        seen = set(book.out_trade_nos)

        async def once() -> str | None:
            view = await self._shop(book).api.view(book.order_id)
            found = seller_api.payment(view)
            number = str(found.get("out_trade_no", ""))
            if number and number not in seen:
                book.out_trade_nos.append(number)
                self._core.books.alias(book, number)
                book.mark("qr_seen")
                return str(found["qr"])
            return "ended" if seller_api.intent(view) in seller_api.ENDED else None

        found = await until(self._core, once)
        return found if found and found != "ended" else ""

    async def _buyer_pauses(self) -> None:
        await asyncio.sleep(self._core.pause(self._core.config.durations.buyer))


async def link(core: Core, api: SellerApi, book: OrderBook) -> bool:
    """Learn the services' own number; without it nothing more can be asked."""
    book.order_id = await until(core, lambda: api.find(book.external_id)) or ""
    if not book.order_id:
        book.notes.append("acknowledged, but no order is found by its external id")
        return False
    core.books.alias(book, book.order_id)
    return True


async def comes(core: Core, book: OrderBook, mark: str) -> bool:
    """Whether the partners see it happen before patience is over."""

    async def once() -> bool:
        return mark in book.marks

    return bool(await until(core, once))


async def until(core: Core, ask: Callable[[], Awaitable[T]]) -> T | None:
    """Ask, less and less often, until the answer is true or patience is over."""
    deadline, pause = time.monotonic() + core.config.patience_seconds, FIRST_POLL
    while time.monotonic() < deadline:
        answer = await ask()
        if answer:
            return answer
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL)
    return None
