"""The documents of one order side by side, field by field, as far as facts or customs tell them. Pure.

What only one document carries has nothing to be compared with; a masked text that differs is a difference of persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.tower.story import Level, Story

SHEETS: Final = ("order", "payment", "waybill", "inventory")
# In the order in which a person compares them; each document calls them by its own names.
FIELDS: Final = (
    "order_no", "total", "goods", "freight", "discount", "tax", "buyer", "payer", "recipient", "transaction", "company",
    "grams", "number", "customs_number", "master_bill", "voyage", "version",
)  # fmt: skip
# One name, another thing in each document: a payment company is not a carrier, and nobody compares the weights.
_OWN: Final = frozenset({"company", "number", "customs_number", "version", "grams"})


@dataclass(frozen=True, slots=True)
class Row:
    """`cells` are the four documents' texts, "" where one does not carry the field; BAD where two disagree.

    rule: what customs calls the comparison · line: of which goods line, 0 for the whole order.
    """

    field: str
    cells: tuple[str, ...]
    verdict: Level
    rule: str = ""
    line: int = 0


def side_by_side(story: Story) -> tuple[Row, ...]:
    rows = (_row(field, story.sheets) for field in FIELDS)
    return tuple(row for row in rows if any(row.cells))


def _row(field: str, sheets: Mapping[str, Mapping[str, str]]) -> Row:
    cells = tuple(sheets.get(sheet, {}).get(field, "") for sheet in SHEETS)
    said = [cell for cell in cells if cell]
    if field == "payer":
        return Row(field, cells, {"different": Level.BAD, "same": Level.OK}.get(said[0] if said else "", Level.NONE))
    if field in _OWN or len(said) < 2:
        return Row(field, cells, Level.NONE)
    return Row(field, cells, Level.OK if len(set(said)) == 1 else Level.BAD)


def compared(answer: Mapping[str, Any]) -> tuple[Row, ...]:
    """As customs itself compares them (GET /v1/declarations/{order_id}): it looked behind the masks. Raises KeyError,
    TypeError or ValueError for anything else."""
    rows = (_theirs(row) for row in answer["documents"]["rows"])
    return tuple(row for row in rows if any(row.cells))


def _theirs(row: Mapping[str, Any]) -> Row:
    cells = tuple(str(row[sheet] or "") for sheet in SHEETS)
    verdict = {True: Level.OK, False: Level.BAD, None: Level.NONE}[row["agrees"]]
    return Row(str(row["field"]), cells, verdict, str(row["rule"]), int(row["line"] or 0))


def differing(rows: tuple[Row, ...], story: Story) -> int:
    """What disagrees here, or what customs' match found and did not find mended since, whichever is more: a match
    looks behind masks and at more than these fields, so no row of ours outvotes it."""
    found = len(story.findings) if story.state("inventory") == "mismatched" else 0
    return max(sum(row.verdict is Level.BAD for row in rows), found)
