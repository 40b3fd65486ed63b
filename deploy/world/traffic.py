"""Runs: so many orders, so many a second, such a share of them misbehaving."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.world import people, plan, shop_wire, times
from deploy.world.books import OrderBook
from deploy.world.config import Shop, Sku
from deploy.world.core import Core
from deploy.world.plan import Plan
from deploy.world.shop_wire import Line, ShopOrder

MARKS: Final = (
    "accepted",
    "identified",
    "qr_seen",
    "paid",
    "rejected",
    "corrected",
    "released",
    "exited",
    "delivered",
    "fulfilled",
)
# Where buyers order, and how often; how each shop writes the numbers of its orders.
SHOPS: Final[Mapping[str, float]] = {"nairobi-roasters": 0.6, "lamu-tea-house": 0.2, "savanna-red": 0.2}
PREFIXES: Final = {"lamu-tea-house": "LTH-", "savanna-red": "P"}
KES_PER_CNY: Final = 18  # only for the look of orders paid abroad


@dataclass(frozen=True, slots=True)
class Wish:
    """share: fraction misbehaving. plans: kinds per order, dealt out in turn, not drawn. shops: weight of each."""

    orders: int
    rate: float | None = None
    share: float = 0.0
    seed: int = 1
    plans: tuple[tuple[str, ...], ...] = ()
    shops: Mapping[str, float] = field(default_factory=lambda: SHOPS)


@dataclass(slots=True)
class Traffic:
    """`lives`: what happens to an order of each shop, from its first push on."""

    core: Core
    lives: Mapping[str, Callable[[OrderBook, ShopOrder], Awaitable[None]]]
    open_orders: asyncio.Semaphore
    planned: int = 0
    _runs: list[asyncio.Task[None]] = field(default_factory=list)
    _serial: times.Serial = field(default_factory=lambda: times.Serial(13))

    def start(self, wish: Wish) -> None:
        self.planned += wish.orders
        self.core.misbehaving = wish.share
        self._runs.append(self.core.sender.spawn(self._run(wish)))

    def stop(self) -> None:
        """No new orders; those on their way go on."""
        for run in self._runs:
            run.cancel()

    @property
    def running(self) -> bool:
        return any(not run.done() for run in self._runs)

    async def _run(self, wish: Wish) -> None:
        rng = random.Random(wish.seed)
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number in range(wish.orders):
            if wish.rate:
                await asyncio.sleep(max(0.0, start + number / wish.rate - loop.time()))
            await self.open_orders.acquire()
            book, order = self._compose(rng, *self._plan(wish, rng, number))
            self.core.sender.spawn(self._live(book, order))

    async def _live(self, book: OrderBook, order: ShopOrder) -> None:
        try:
            await self.lives[book.shop](book, order)
        finally:
            self.open_orders.release()

    def _plan(self, wish: Wish, rng: random.Random, number: int) -> tuple[str, Plan]:
        """The shop, and what its order does: given plans go to a shop that can do them."""
        config = self.core.config
        if wish.plans:
            kinds = wish.plans[number % len(wish.plans)]
            return _pick(rng, fitting(kinds, wish.shops)), plan.plan_of(*kinds, expected=config.expected)
        shop = _pick(rng, wish.shops)
        return shop, plan.draw(rng, wish.share, config.misbehaviour, config.expected, shop)

    def _sold_by(self, shop: str) -> Shop:
        config = self.core.config
        return {"lamu-tea-house": config.standard, "savanna-red": config.xiaohongshu}.get(shop, config.shop)

    def _compose(self, rng: random.Random, at: str, chosen: Plan) -> tuple[OrderBook, ShopOrder]:
        number, shop = self._serial.next(), self._sold_by(at)
        abroad = "paid_abroad" in chosen
        order = ShopOrder(
            id=number,
            number=number % 1_000_000,
            lines=_lines(rng, shop, chosen),
            buyer=people.buyer(number % 20_000_000),
            freight_minor=shop.freight_minor,
            created_at=times.now(),
            currency="KES" if abroad else "CNY",
            paid=abroad,
            prefix=PREFIXES.get(at, ""),
        )
        book = OrderBook(
            external_id=order.external_id,
            shop=at,
            plan=chosen,
            total_minor=order.total_minor,
            currency=order.currency,
            lines=shop_wire.summary(order.lines),
        )
        return self.core.books.open(book), order

    def status(self) -> dict[str, Any]:
        """Counts as they stand. `done`: nothing more will come from outside about the order."""
        books = list(self.core.books.orders.values())
        marks = Counter(mark for book in books for mark in book.marks)
        pushes = [push for book in books for push in book.pushes]
        return {
            "running": self.running,
            "planned": self.planned,
            "sent": len(books),
            **{mark: marks[mark] for mark in MARKS},
            "done": sum(book.done for book in books),
            "expected": dict(Counter(book.plan.expected for book in books)),
            "pushes_unsettled": sum(not push.settled for push in pushes),
            "forgeries_taken": sum(push.wanted == "refusal" and push.acked_at is not None for push in pushes),
            "refused_calls": len(self.core.books.refused_calls),
            "unlinked": len(self.core.books.unlinked()),
            "busy": self.core.sender.busy,
        }


def fitting(kinds: Sequence[str], shops: Mapping[str, float]) -> dict[str, float]:
    """The shops among these that can do all of it, with their weights."""
    return {shop: w for shop, w in shops.items() if w > 0 and all(plan.KINDS[kind].fits(shop) for kind in kinds)}


def unfit(plans: Sequence[Sequence[str]], shops: Mapping[str, float]) -> str:
    """What cannot be done as it is wished: a shop that does not exist, a plan that no shop can do; "" where all can."""
    strangers = [shop for shop in shops if shop not in plan.TRAITS]
    undoable = ["+".join(kinds) for kinds in plans if not fitting(kinds, {} if strangers else shops)]
    return ", ".join(strangers or undoable)


def _pick(rng: random.Random, shops: Mapping[str, float]) -> str:
    return rng.choices(list(shops), list(shops.values()))[0]


def _lines(rng: random.Random, shop: Shop, chosen: Plan) -> tuple[Line, ...]:
    if "sku_short" in chosen or "channel_short" in chosen:
        return tuple(Line(sku, 1) for sku in shop.skus if sku.sku == shop.short_sku)
    sold = [sku for sku in shop.skus if sku.sku != shop.short_sku]
    picked = rng.sample(sold, rng.randint(1, min(shop.max_lines, len(sold))))
    lines = tuple(Line(sku, rng.randint(1, shop.max_quantity)) for sku in picked)
    return tuple(Line(_in_shillings(one.sku), one.quantity) for one in lines) if "paid_abroad" in chosen else lines


def _in_shillings(sku: Sku) -> Sku:
    return Sku(sku.sku, sku.title, sku.price_minor * KES_PER_CNY, sku.grams, sku.product_id, sku.variant_id)
