"""Reads of catalog for its API."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import select

from services.catalog.stock import Product
from services.catalog.tables import PRODUCTS, STOCKS
from shared.db.engine import ReadTx
from shared.security.auth import Principal

_PRODUCT: Final = TypeAdapter(Product)


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
            "sku": product.sku, "seller": product.seller, "title": {"zh": product.title_zh, "en": product.title_en},
            "hs_code": product.goods.hs_code, "origin": product.goods.origin, "stock": stock.get(product.sku, []),
        }
        for product in found
    ]  # fmt: skip
