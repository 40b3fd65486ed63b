"""What buyer and shop do about one order, from the first push to the payment; the plan says where it goes astray."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeVar

from deploy.world import people, seller_api, shop_wire, times
from deploy.world.books import OrderBook
from deploy.world.core import Core
from deploy.world.seller_api import SellerApi
from deploy.world.shop import Shop
from deploy.world.shop_wire import ShopOrder
from deploy.world.wechat import WeChat

T = TypeVar("T")
CREATE: Final = "orders/create"
CANCELLED: Final = "orders/cancelled"
UNKNOWN_TOPIC: Final = "orders/teleported"
FIRST_POLL, LONGEST_POLL = 0.03, 1.0  # seconds
ROUNDS: Final = 3  # QR codes that a buyer is willing to see expire


class Journey:
    def __init__(self, core: Core, shop: Shop, wechat: WeChat) -> None:
        self._core, self._shop, self._wechat = core, shop, wechat
        self._api = SellerApi(core)
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
            status = await self._api.correct(book.order_id, buyer, people.corrected(buyer.address))
            return 200 <= status < 300

        if await self._until(once):
            book.mark("corrected")
        else:
            book.notes.append("the corrected address was not taken")

    async def _script(self, book: OrderBook, order: ShopOrder) -> None:
        if not await self._place(book, order):
            return
        book.mark("accepted")
        if not await self._link(book) or "cancel_before_create" in book.plan or order.paid:
            return
        if not await self._identify(book, order):
            return
        await self._buyer_pauses()
        await self._settle(book, order)

    async def _place(self, book: OrderBook, order: ShopOrder) -> bool:
        """Whether the shop's order was taken."""
        if "forged" in book.plan or "forged_create" in book.plan:
            await self._shop.push(book, CREATE, order, forged=True)
        if "forged" in book.plan:
            return False
        if "unknown_topic" in book.plan:
            self._core.sender.spawn(self._shop.push(book, UNKNOWN_TOPIC, order))
        if "cancel_before_create" in book.plan:
            await self._cancel(book, order)
        return await self._shop.push(book, CREATE, order, lost=2 if "delayed_create" in book.plan else 0)

    async def _link(self, book: OrderBook) -> bool:
        """Learn the services' own number; without it nothing more can be asked."""
        book.order_id = await self._until(lambda: self._api.find(book.external_id)) or ""
        if not book.order_id:
            book.notes.append("acknowledged, but no order is found by its external id")
            return False
        self._core.books.alias(book, book.order_id)
        return True

    async def _identify(self, book: OrderBook, order: ShopOrder) -> bool:
        async def once() -> int:
            status = await self._api.identify(book.order_id, order.buyer)
            return status if 200 <= status < 500 and status not in {404, 429} else 0

        status = await self._until(once) or 0
        if 200 <= status < 300:
            book.mark("identified")
            return True
        book.notes.append(f"the identity was answered with {status}")
        return False

    async def _settle(self, book: OrderBook, order: ShopOrder) -> None:
        """See the QR and do with it what the plan says."""
        for _ in range(ROUNDS):
            code_url = await self._qr(book)
            if not code_url or "never_pays" in book.plan:
                return
            if "cancel_unpaid" in book.plan:
                await self._cancel(book, order)
                return
            await self._buyer_pauses()
            answer = self._wechat.pay(code_url, order.buyer, short_by=1 if "wrong_amount" in book.plan else 0)
            if answer == "paid":
                book.mark("paid")
                await self._after_payment(book, order, code_url)
                return
            book.notes.append(f"payment refused: {answer}")

    async def _after_payment(self, book: OrderBook, order: ShopOrder, code_url: str) -> None:
        if "pay_twice" in book.plan:
            self._wechat.charge_again(code_url, order.buyer)
        if "cancel_paid" in book.plan:
            await self._cancel(book, order)
            if "exited" in book.marks:
                book.plan = replace(book.plan, expected="completed", reason="")
                book.notes.append("the cancellation came after the parcel had left")

    async def _cancel(self, book: OrderBook, order: ShopOrder) -> None:
        """Shopify's clock ticks in seconds: the cancelled snapshot is visibly newer than the created one."""
        cancelled_at = max(times.now(), shop_wire.after(order.created_at, 1))
        if await self._shop.push(book, CANCELLED, order, cancelled_at=cancelled_at):
            book.mark("cancel_taken")

    async def _qr(self, book: OrderBook) -> str:
        """A QR not seen before; "" when the order ended instead or patience did."""
        seen = set(book.out_trade_nos)

        async def once() -> str | None:
            view = await self._api.view(book.order_id)
            found = seller_api.payment(view)
            number = str(found.get("out_trade_no", ""))
            if number and number not in seen:
                book.out_trade_nos.append(number)
                self._core.books.alias(book, number)
                book.mark("qr_seen")
                return str(found["qr"])
            return "ended" if seller_api.intent(view) in seller_api.ENDED else None

        found = await self._until(once)
        return found if found and found != "ended" else ""

    async def _buyer_pauses(self) -> None:
        await asyncio.sleep(self._core.pause(self._core.config.durations.buyer))

    async def _until(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Ask, less and less often, until the answer is true or patience is over."""
        deadline, pause = time.monotonic() + self._core.config.patience_seconds, FIRST_POLL
        while time.monotonic() < deadline:
            answer = await ask()
            if answer:
                return answer
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_POLL)
        return None
