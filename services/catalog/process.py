"""How catalog decides: reservations, what becomes of them, products and arrivals of goods. Pure."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from services.catalog.commands import Expiry, ProductOffered, ProductRevised, StockReceived, Wanted
from services.catalog.reserving import EXPIRY, RETRY, Policy, keep, reach_of, reserve, retry, wanted_by
from services.catalog.returning import NotReserved, draw, expire, order_and_stock, release
from services.catalog.stock import PRODUCT, RESERVATION, STOCK, Product, Stock, stock_key
from shared.events import catalog as facts
from shared.events.base import Event
from shared.events.logistics import ParcelPacked
from shared.events.orders import OrderPlaced, PaymentObserved, ReservationReleaseRequested
from shared.events.payments import PaymentCaptured, PaymentConfirmed
from shared.flow.decision import Answer, Decision, Due, Outcome, Process, Reach, Reply, States
from shared.http.problem import Conflict, NotFound, problem_reply

__all__ = ["EXPIRY", "HANDLES", "RETRY", "NotReserved", "Policy", "make_process"]


class UnknownSku(NotFound):
    """There is no such product: enter it before its stock."""

    code = "catalog.unknown_sku"


class OtherLot(Conflict):
    """A lot is one batch with one date: goods of another date are another lot."""

    code = "catalog.other_lot"


class OtherVersion(Conflict):
    """The product has changed since you read it: read it again before you change it."""

    code = "catalog.other_version"


def reach(content: object) -> Reach:
    match content:
        case OrderPlaced():
            return reach_of(wanted_by(content))
        case Outcome(task=Wanted() as wanted):
            return reach_of(wanted)
        case ReservationReleaseRequested(order_id=order_id, lines=lines) | ParcelPacked(order_id=order_id, lines=lines):
            return order_and_stock(order_id, lines)
        case Outcome(task=Expiry(order_id=order_id, lines=lines)):
            return order_and_stock(order_id, lines)
        case PaymentObserved() | PaymentConfirmed() | PaymentCaptured():
            return Reach((content.order_id,), (RESERVATION.key(content.order_id),))
        case ProductRevised(product=Product(sku=sku)) | ProductOffered(sku=sku):
            return Reach((sku,), (PRODUCT.key(sku),))
        case StockReceived(sku=sku, location=location):
            key = stock_key(sku, location)
            return Reach((key,), (STOCK.key(key), PRODUCT.key(sku)))
        case _:
            raise AssertionError(f"catalog does not know {type(content).__name__}")


def decide(policy: Policy, states: States, content: object, now: datetime) -> Answer:
    match content:
        case OrderPlaced():
            return reserve(policy, states, wanted_by(content), now)
        case Outcome(task=Wanted() as wanted, result=Due()):
            return retry(policy, states, wanted, now)
        case ReservationReleaseRequested():
            return release(states, content)
        case PaymentObserved() | PaymentConfirmed() | PaymentCaptured():
            return keep(states, content.order_id, now)
        case ParcelPacked():
            return draw(states, content, now)
        case Outcome(task=Expiry(order_id=order_id), result=Due()):
            return expire(states, order_id)
        case ProductRevised() | ProductOffered():
            return revise(states, content)
        case StockReceived():
            return receive(policy, states, content)
        case _:
            raise AssertionError(f"catalog does not know {type(content).__name__}")


def revise(states: States, asked: ProductRevised | ProductOffered) -> Decision:
    """The next version of a product, or its first; what was reserved before keeps what it was told."""
    match asked:
        case ProductRevised(product=product):
            known = states.get(PRODUCT, product.sku)
            return Decision(reply=Reply(202)) if known and known.version >= product.version else _entered(product)
        case ProductOffered():
            return _offered(states.get(PRODUCT, asked.sku), asked)


def _offered(known: Product | None, asked: ProductOffered) -> Decision:
    version = known.version if known else 0
    if asked.based_on not in (None, version):
        return Decision(reply=problem_reply(OtherVersion(f"the product is at version {version}")))
    seller = known.seller if known else asked.seller
    if asked.seller not in ("", seller) or not seller:
        return Decision(reply=problem_reply(UnknownSku(f"no product {asked.sku}")))
    return _entered(Product(asked.sku, seller, version + 1, asked.title_zh, asked.title_en, asked.goods))


def _entered(product: Product) -> Decision:
    fact = facts.ProductRevised(
        sku=product.sku,
        seller=product.seller,
        product_version=product.version,
        title_en=product.title_en,
        title_zh=product.title_zh,
        hs_code=product.goods.hs_code,
        origin=product.goods.origin,
        record_no=product.goods.record_no,
    )
    return Decision((PRODUCT.put(product.sku, product),), (fact,), reply=Reply(202))


def receive(policy: Policy, states: States, arrived: StockReceived) -> Decision:
    key = stock_key(arrived.sku, arrived.location)
    if states.get(PRODUCT, arrived.sku) is None:
        return Decision(reply=problem_reply(UnknownSku(f"no product {arrived.sku[:60]}")))
    bonded = arrived.location in policy.bonded
    before = states.get(STOCK, key) or Stock(arrived.sku, arrived.location, bonded=bonded)
    if any(lot.lot == arrived.lot and lot.best_before != arrived.best_before for lot in before.lots):
        return Decision(reply=problem_reply(OtherLot(f"lot {arrived.lot[:60]} has another best-before date")))
    after = before.received(arrived.lot, arrived.best_before, arrived.quantity)
    fact = facts.StockChanged(
        stock_key=key,
        sku=arrived.sku,
        location=arrived.location,
        on_hand=after.on_hand,
        reserved=after.reserved,
        reason="received",
    )
    return Decision((STOCK.put(key, after),), (fact,), reply=Reply(202))


HANDLES: Final[frozenset[type[Event]]] = frozenset(
    {OrderPlaced, PaymentObserved, PaymentConfirmed, PaymentCaptured, ReservationReleaseRequested, ParcelPacked}
)


def make_process(policy: Policy) -> Process:
    return Process("catalog", HANDLES, reach, partial(decide, policy))
