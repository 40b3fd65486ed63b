"""What happens to one order on Xiaohongshu, from the buyer's click to the buyer's word that it came."""

from __future__ import annotations

import asyncio

from deploy.world import times
from deploy.world.books import OrderBook
from deploy.world.core import Core
from deploy.world.journey import comes, link
from deploy.world.seller_api import SellerApi
from deploy.world.shop_wire import ShopOrder
from deploy.world.xiaohongshu import Xiaohongshu
from deploy.world.xiaohongshu_wire import RedOrder


class ChannelJourney:
    def __init__(self, core: Core, platform: Xiaohongshu, api: SellerApi) -> None:
        self._core, self._platform, self._api = core, platform, api

    async def live(self, book: OrderBook, order: ShopOrder) -> None:
        book.sent_at = times.iso_utc(times.now())
        try:
            await self._script(book, self._platform.place(order))
        finally:
            book.mark("script_ended")

    async def _script(self, book: OrderBook, red: RedOrder) -> None:
        unpaid = "channel_unpaid" in book.plan
        if (unpaid or "seen_unpaid" in book.plan) and not await self._told(book, red):
            return
        await self._passes(self._core.config.durations.buyer)
        if unpaid:
            await self._closes(book, red)
            return
        self._platform.pay(red)
        book.mark("paid")
        if not await self._is_placed(book, red):
            return
        await self._clears(book, red)

    async def _is_placed(self, book: OrderBook, red: RedOrder) -> bool:
        """Whether the paid order was taken and can be found."""
        if "forged" in book.plan or "forged_create" in book.plan:
            await self._platform.tell(book, red, forged=True)
        if "forged" in book.plan:
            return False
        if "unknown_topic" in book.plan:
            self._core.sender.spawn(self._platform.tell_nonsense(book, red))
        if "pushes_in_a_row" in book.plan:
            for _ in range(2):
                self._core.sender.spawn(self._platform.tell(book, red))
        return await self._told(book, red) and await link(self._core, self._api, book)

    async def _told(self, book: OrderBook, red: RedOrder) -> bool:
        told = await self._platform.tell(book, red)
        if told:
            book.mark("accepted")
        return told

    async def _clears(self, book: OrderBook, red: RedOrder) -> None:
        """The platform's own customs; a refund before shipping is asked for while the goods are there."""
        durations = self._core.config.durations
        await self._passes(durations.clearing)
        self._platform.clear(red)
        await self._platform.tell(book, red)
        if "channel_refunded" in book.plan:
            await self._platform.open_after_sale(book, red)
            await self._passes(durations.refund_done)
            await self._closes(book, red)
            return
        await self._passes(durations.release)
        self._platform.release(red)
        await self._platform.tell(book, red)
        self._core.sender.spawn(self._finish(book, red))

    async def _closes(self, book: OrderBook, red: RedOrder) -> None:
        if not book.order_id:
            await link(self._core, self._api, book)
        self._platform.close(red)
        if await self._platform.tell(book, red):
            book.mark("cancel_taken")

    async def _finish(self, book: OrderBook, red: RedOrder) -> None:
        """Shipped by our word, delivered by the carrier's, completed by the buyer's or by time."""
        await self._platform.shipped(red)
        await self._platform.tell(book, red)
        if await comes(self._core, book, "delivered"):
            await self._passes(self._core.config.durations.confirmation)
            self._platform.complete(red)
            if await self._platform.tell(book, red):
                book.mark("receipt_confirmed")

    async def _passes(self, seconds: float) -> None:
        await asyncio.sleep(self._core.pause(seconds))
