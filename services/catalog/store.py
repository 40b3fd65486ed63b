"""Reads of catalog for its API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, select

from services.catalog.stock import Product, Stock
from services.catalog.tables import PRODUCTS, STOCKS
from shared.db.engine import ReadTx
from shared.security.auth import Principal

_PRODUCT: Final = TypeAdapter(Product)
_STOCK: Final = TypeAdapter(Stock)
MOST: Final = 500  # rows of one answer
_SHELVES: Final = select(STOCKS.c.sku, STOCKS.c.location, STOCKS.c.on_hand, STOCKS.c.reserved).order_by(STOCKS.c.key)


async def products(read: ReadTx, principal: Principal) -> list[dict[str, Any]]:
    """Products that the asker may see, with what is on hand and set aside per location."""
    query = _visible(principal).order_by(PRODUCTS.c.key)
    async with read.begin() as tx:
        found = [_PRODUCT.validate_json(body) for body in (await tx.scalars(query)).all()]
        rows = (await tx.execute(_SHELVES)).all()
    stock: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        stock.setdefault(row.sku, []).append(_shelf(row))
    return [
        {
            **_head(product),
            "hs_code": product.goods.hs_code, "origin": product.goods.origin,
            "net_grams": product.goods.net_grams, "gross_grams": product.goods.gross_grams,
            "record_no": product.goods.record_no, "account_book": product.goods.account_book,
            "stock": stock.get(product.sku, []),
        }
        for product in found
    ]  # fmt: skip


async def shown(read: ReadTx, principal: Principal, sku: str) -> dict[str, Any] | None:
    """One product with everything that was said of it; None if there is none that the asker may see."""
    async with read.begin() as tx:
        body = await tx.scalar(_visible(principal).where(PRODUCTS.c.key == sku))
        rows = (await tx.execute(_SHELVES.where(STOCKS.c.sku == sku))).all()
    if body is None:
        return None
    product = _PRODUCT.validate_json(body)
    goods = {name: value for name, value in asdict(product.goods).items() if name not in ("line", "sku")}
    return {**_head(product), "goods": goods, "stock": [_shelf(row) for row in rows]}


def _visible(principal: Principal) -> Select[Any]:
    query = select(PRODUCTS.c.body)
    return query.where(PRODUCTS.c.seller == principal.seller) if principal.role == "seller" else query


def _head(product: Product) -> dict[str, Any]:
    title = {"zh": product.title_zh, "en": product.title_en}
    return {"sku": product.sku, "seller": product.seller, "version": product.version, "title": title}


def _shelf(row: Row[Any, Any, Any, Any]) -> dict[str, Any]:
    return {"location": row.location, "on_hand": row.on_hand, "reserved": row.reserved}


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
