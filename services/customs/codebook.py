"""The code lists that lie beside this module as CSV: read once, on first use."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from shared.errors import Unrecognised

_FOLDER: Final = Path(__file__).parent / "codes"


@cache
def rows(name: str) -> tuple[Mapping[str, str], ...]:
    """Every row of `codes/<name>.csv`."""
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def _countries() -> Mapping[str, str]:
    return {row["iso_alpha2"]: row["code"] for row in rows("cn_country") if row["iso_alpha2"]}


def customs_country(alpha2: str) -> str:
    """ISO 3166-1 alpha-2 to customs' own three digits (KE is 224)."""
    try:
        return _countries()[alpha2]
    except KeyError as error:
        raise Unrecognised("country for customs", alpha2) from error


@cache
def unit_codes() -> frozenset[str]:
    """Customs' three-digit units; lists with other values circulate, these are the right ones."""
    return frozenset(row["code"] for row in rows("cn_unit"))
