"""A new installation's products and stock, read from a file. Values only; the text of the file is handed in."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from services.catalog.process import ProductRevised, StockReceived
from services.catalog.stock import Product
from shared.errors import BadInput
from shared.events.values import Goods


def read_seed(text: str) -> Iterator[ProductRevised | StockReceived]:
    """Each `[[product]]` is a product and, where it says so, its first stock."""
    try:
        for row in tomllib.loads(text)["product"]:
            yield ProductRevised(_product(row))
            for stock in row.get("stock", ()):
                yield StockReceived(
                    row["sku"], stock["location"], stock["lot"], stock["best_before"], stock["quantity"]
                )
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"seed file: {error}", where="seed") from error


def _product(row: dict[str, Any]) -> Product:
    goods = Goods(line=0, sku=row["sku"], **row["goods"])
    return Product(row["sku"], row["seller"], row["version"], row["title"]["zh"], row["title"]["en"], goods)
