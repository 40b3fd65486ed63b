"""Reads of catalog for its API."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import select

from services.catalog.stock import Product, Stock
from services.catalog.tables import PRODUCTS, STOCKS
from shared.db.engine import ReadTx
from shared.security.auth import Principal

_PRODUCT: Final = TypeAdapter(Product)
_STOCK: Final = TypeAdapter(Stock)
MOST: Final = 500  # rows of one answer


async def products(read: ReadTx, principal: Principal) -> list[dict[str, Any]]:
    """Products that the asker may see, with what is on hand and set aside per location."""
    query = select(PRODUCTS.c.body).order_by(PRODUCTS.c.key)
    if principal.role == "seller":
        query = query.where(PRODUCTS.c.seller == principal.seller)
    async with read.begin() as tx:
        found = [_PRODUCT.validate_json(body) for body in (await tx.scalars(query)).all()]
        rows = (await tx.execute(select(STOCKS.c.sku, STOCKS.c.location, STOCKS.c.on_hand, STOCKS.c.reserved))).all()
    stock: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        stock.setdefault(row.sku, []).append(
            {"location": row.location, "on_hand": row.on_hand, "reserved": row.reserved}
        )
    return [
        {
            "sku": product.sku, "seller": product.seller, "version": product.version,
            "title": {"zh": product.title_zh, "en": product.title_en},
            "hs_code": product.goods.hs_code, "origin": product.goods.origin,
            "net_grams": product.goods.net_grams, "gross_grams": product.goods.gross_grams,
            "record_no": product.goods.record_no, "account_book": product.goods.account_book,
            "stock": stock.get(product.sku, []),
        }
        for product in found
    ]  # fmt: skip


async def product(read: ReadTx, sku: str) -> Product | None:
    async with read.begin() as tx:
        body = await tx.scalar(select(PRODUCTS.c.body).where(PRODUCTS.c.key == sku))
    return _PRODUCT.validate_json(body) if body is not None else None


async def stock(read: ReadTx, principal: Principal, *, sku: str | None, location: str | None) -> list[dict[str, Any]]:
    """Counters per location and lot, of the products that the asker may see; at most MOST locations of SKUs."""
    query = select(STOCKS.c.body).join(PRODUCTS, PRODUCTS.c.key == STOCKS.c.sku).order_by(STOCKS.c.key).limit(MOST)
    if principal.role == "seller":
        query = query.where(PRODUCTS.c.seller == principal.seller)
    if sku is not None:
        query = query.where(STOCKS.c.sku == sku)
    if location is not None:
        query = query.where(STOCKS.c.location == location)
    async with read.begin() as tx:
        found = [_STOCK.validate_json(body) for body in (await tx.scalars(query)).all()]
    return [row for one in found for row in _lots(one)]


def _lots(stock: Stock) -> list[dict[str, Any]]:
    return [
        {
            "sku": stock.sku, "location": stock.location, "lot": lot.lot, "best_before": lot.best_before.isoformat(),
            "on_hand": lot.on_hand, "reserved": lot.reserved, "available": lot.available,
            "account_book": lot.book if stock.bonded else None,
        }
        for lot in stock.lots
    ]  # fmt: skip
