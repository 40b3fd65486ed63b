"""The customs vectors as a folder: whatever cases it holds are run, no list of names is kept here."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.customs.documents import InventoryItem
from services.customs.providers.ceb.signature import RsaSha1Verifier
from services.customs.tariff import Rates

ROOT = Path(os.environ.get("CORRIDOR_VECTORS", Path(__file__).parents[1] / "vectors")) / "customs"
NOW = datetime(2025, 12, 1, tzinfo=UTC)


def read(path: str) -> bytes:
    return (ROOT / path).read_bytes()


@functools.cache
def table(path: str) -> Any:
    return json.loads(read(path))


@functools.cache
def pinned() -> RsaSha1Verifier:
    return RsaSha1Verifier.pinned(read("test-signer.cert.pem"))


def named(cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For parametrize: values and ids."""
    return {"argvalues": cases, "ids": [case["id"] for case in cases]}


# Rates of the goods that the vectors use; as of 2025, confirmed public tariff listings.
RATES = {
    "0901210000": Rates(Decimal("0.13")),
    "0902101000": Rates(Decimal("0.09")),
    "2204210000": Rates(Decimal("0.13"), Decimal("0.10")),
    "4202119090": Rates(Decimal("0.13"), duty=Decimal("0.06")),
}
COSMETICS = "3304990099"


def rates(item: InventoryItem) -> Rates | None:
    """Cosmetics pay consumption tax from 10 yuan a gram; the statutory quantity of the vectors is kilograms."""
    if item.hs_code != COSMETICS:
        return RATES.get(item.hs_code)
    high_end = item.total_price >= 10 * 1000 * item.qty_1
    return Rates(Decimal("0.13"), Decimal("0.15") if high_end else Decimal(0))
