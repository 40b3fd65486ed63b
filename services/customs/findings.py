"""What a check found, as data: the rule, the two places that disagree, how grave it is, and the fix in two languages.

Rules X.. (form and signature) and R01-R30 (contents) are GACC's specification 202205 and the circulars around it, as
far as they are printed; tolerance is documented nowhere, so equal means equal. G01 is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.customs.documents import Kind
from services.customs.fixes import FIXES
from services.customs.identity import mask_address, mask_name, mask_number
from shared.events import values


class Severity(StrEnum):
    """`block` is never sent; `warn` is sent and shown; `unverifiable`: a side is masked, so nobody can say."""

    BLOCK = "block"
    WARN = "warn"
    UNVERIFIABLE = "unverifiable"


class Verdict(StrEnum):
    SUBMIT = "submit"
    WARN = "warn"
    BLOCK = "block"
    IDEMPOTENT = "idempotent"


_PERSONAL: Final[dict[str, Callable[[str], str]]] = {
    "buyer_name": mask_name,
    "payer_name": mask_name,
    "consignee": mask_name,
    "buyer_id_number": mask_number,
    "payer_id_number": mask_number,
    "buyer_telephone": mask_number,
    "telephone": mask_number,
    "consignee_telephone": mask_number,
    "consignee_address": mask_address,
}


@dataclass(frozen=True, slots=True)
class Cited:
    """One value where it stands; personal values are shown masked and never kept whole."""

    document: Kind
    field: str
    value: str

    def __post_init__(self) -> None:
        hide = _PERSONAL.get(self.field)
        if hide is not None:
            object.__setattr__(self, "value", hide(self.value))


@dataclass(frozen=True, slots=True)
class Finding:
    """`here` is what should change first, `there` what it was held against; `line` is the goods line's number."""

    rule: str
    severity: Severity
    here: Cited
    there: Cited | None = None
    line: int | None = None

    @property
    def fix(self) -> tuple[str, str]:
        """English and Chinese."""
        return FIXES[self.rule]

    def as_value(self) -> values.Finding:
        """As facts carry it."""
        place = f"{self.here.document}.{self.here.field}" + (f"[{self.line}]" if self.line is not None else "")
        code = self.rule if self.severity is Severity.BLOCK else f"{self.rule}.{self.severity}"
        theirs = "" if self.there is None else self.there.value
        return values.Finding(code, place, self.here.value, theirs, *self.fix)


def verdict(findings: Iterable[Finding]) -> Verdict:
    """What may be done: a masked side hinders nothing, it is only shown."""
    severities = {finding.severity for finding in findings}
    if Severity.BLOCK in severities:
        return Verdict.BLOCK
    return Verdict.WARN if Severity.WARN in severities else Verdict.SUBMIT
