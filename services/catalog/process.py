"""How catalog decides: reservations, what becomes of them, products and arrivals of goods. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Final

from services.catalog.commands import Expiry, ProductOffered, ProductRevised, StockReceived, Wanted
from services.catalog.reserving import Policy, keep, reach_of, reserve, retry, wanted_by
from services.catalog.returning import draw, expire, order_and_stock, release
from services.catalog.stock import PRODUCT, RESERVATION, STOCK, Product, Stock, stock_key
from shared.events import catalog as facts
from shared.events.base import Event
from shared.events.logistics import ParcelPacked
from shared.events.orders import OrderPlaced, PaymentObserved, ReservationReleaseRequested
from shared.events.payments import PaymentCaptured, PaymentConfirmed
from shared.events.values import Goods
from shared.flow.decision import Answer, Decision, Due, Outcome, Process, Reach, Reply, States
from shared.http.problem import Conflict, NotAllowed, NotFound, problem_reply


class UnknownSku(NotFound):
    """There is no such product: enter it first."""

    code = "catalog.unknown_sku"


class OtherLot(Conflict):
    """A lot is one batch with one date: goods of another date are another lot."""

    code = "catalog.other_lot"


class OtherVersion(Conflict):
    """The product has changed since you read it: read it again before you change it."""

    code = "catalog.other_version"
    where, fix = "based_on", "read the product again and base the change on its version"


class SkuTaken(Conflict):
    """This SKU is taken: it is the name of another seller's product."""

    code = "catalog.sku_taken"
    where, fix = "sku", "choose another SKU for your product"


class OperatorsOwn(NotAllowed):
    """An operator says what customs and tax depend on; a seller says what its product is called."""

    code = "catalog.operators_own"

    def __init__(self, message: str, *, where: str) -> None:
        super().__init__(message)
        self.where, self.fix = where, "ask an operator"


SELLERS_OWN: Final = frozenset({"line", "sku", "name_zh", "spec_zh"})  # of goods; all else is an operator's


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
    """Whose it is comes first: another seller's version is nothing to tell."""
    seller, version = (known.seller, known.version) if known else (asked.seller, 0)
    if not asked.operator and (known is None or asked.seller != seller):
        return Decision(reply=problem_reply(OperatorsOwn("an operator enters it", where="sku")))
    if asked.seller not in ("", seller):
        return Decision(reply=problem_reply(SkuTaken("this SKU is taken")))
    if asked.based_on not in (None, version):
        return Decision(reply=problem_reply(OtherVersion(f"the product is at version {version}")))
    if not seller:
        return Decision(reply=problem_reply(UnknownSku(f"no product {asked.sku}")))
    if known and not asked.operator and (other := _operators(known.goods, asked.goods)):
        return Decision(reply=problem_reply(OperatorsOwn("an operator says this", where=f"goods.{other}")))
    return _entered(Product(asked.sku, seller, version + 1, asked.title_zh, asked.title_en, asked.goods))


def _operators(known: Goods, offered: Goods) -> str:
    """The first word that only an operator may change, and that is another now; "" if there is none."""
    before, after = asdict(known), asdict(offered)
    return next((name for name in before if name not in SELLERS_OWN and before[name] != after[name]), "")


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
    return Decision((PRODUCT.put(product.sku, product),), (fact,), reply=_entry(product))


def _entry(product: Product) -> Reply:
    body = json.dumps({"sku": product.sku, "version": product.version})
    return Reply(201 if product.version == 1 else 200, body.encode())


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
