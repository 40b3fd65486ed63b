"""A new installation's products and stock, read from a file. Values only; the text of the file is handed in."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from services.catalog.commands import ProductRevised, StockReceived
from services.catalog.stock import Product
from shared.errors import BadInput
from shared.events.values import Goods


def read_seed(text: str, today: date) -> Iterator[tuple[str, ProductRevised | StockReceived]]:
    """Each `[[product]]` is a product and, where it says so, its first stock, under a key that makes it one entry.

    A lot has a `best_before`, or `keeps_days` from the day of the installation, so that a seed does not go off.
    The keys do not depend on the place in the file: what is added later changes nothing of what was taken before.
    """
    try:
        for row in tomllib.loads(text)["product"]:
            sku = row["sku"]
            yield f"product:{sku}:{row['version']}", ProductRevised(_product(row))
            for stock in row.get("stock", ()):
                arrived = StockReceived(sku, stock["location"], stock["lot"], _end(stock, today), stock["quantity"])
                yield f"stock:{sku}:{arrived.location}:{arrived.lot}", arrived
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"seed file: {error}", where="seed") from error


def _end(stock: dict[str, Any], today: date) -> date:
    if "keeps_days" in stock:
        return today + timedelta(days=stock["keeps_days"])
    best_before: date = stock["best_before"]
    return best_before


def _product(row: dict[str, Any]) -> Product:
    goods = Goods(line=0, sku=row["sku"], **row["goods"])
    return Product(row["sku"], row["seller"], row["version"], row["title"]["zh"], row["title"]["en"], goods)
