"""The customs window: it reads what is signed, checks the match as the real call does, and answers by receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.customs.assessment import identity_problem
from services.customs.commands import (
    CheckIdentity,
    Heard,
    IdentityChecked,
    Mismatched,
    Sign,
    Signed,
    SignedWithdrawal,
    SignWithdrawal,
    Submit,
)
from services.customs.compose import Draft, papers
from services.customs.documents import Kind
from services.customs.findings import Severity
from services.customs.match import Terms, match
from services.customs.providers.base import WindowAnswer
from services.customs.providers.ceb.statuses import reading
from services.customs.receipts import Receipt
from services.customs.submission import envelope_key
from services.customs.undoing import UndoDraft, undo_document
from shared.ids import OrderId
from shared.security.personal import open_person, open_recipient
from tests.flows.partners.base import AT_ONCE, Answered, Says
from tests.flows.people import KEYS

TAKEN: Final = WindowAnswer("", "0", "", None)
STORED: Final = ("2", "120")
TICK: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Habits:
    """Statuses that follow a document, one after the other (`800@2`: dated the third; `622:800`: about the inventory
    that the document names); of the inventory per declaration, the last script stays.

    silent: how many documents it takes without a word. slow: how long its answer at the window takes.
    """

    order: tuple[str, ...] = STORED
    inventory: tuple[tuple[str, ...], ...] = (("2", "120", "800"),)
    cancellation: tuple[str, ...] = ("2", "120", "399")
    taken_back: tuple[str, ...] = ("2", "120", "399")
    silent: int = 0
    slow: timedelta = AT_ONCE
    info: str = ""


@dataclass(frozen=True, slots=True)
class Filed:
    """A signed document by what receipts name it by."""

    order_id: OrderId
    kind: Kind
    number: str
    platform: str
    invt_no: str
    version: int


@dataclass(frozen=True, slots=True)
class Window:
    """`sent` is every envelope that came, as `inventory/1`; `drafts` by order and version."""

    habits: Habits = field(default_factory=Habits)
    drafts: Mapping[str, Draft] = field(default_factory=dict)
    undone: Mapping[str, UndoDraft] = field(default_factory=dict)
    filed: Mapping[str, Filed] = field(default_factory=dict)
    sent: tuple[str, ...] = ()
    declared: Mapping[str, int] = field(default_factory=dict)
    said: int = 0

    @property
    def timers(self) -> frozenset[str]:
        return frozenset({"receipt-overdue", "waybill-overdue"})

    def call(self, kind: str, task: object, now: datetime) -> Answered:
        match task:
            case CheckIdentity(person=person):
                return Answered(self, IdentityChecked(identity_problem(open_person(KEYS, person))))
            case Sign(draft=draft):
                return self._sign(draft)
            case SignWithdrawal(draft=undo):
                return self._sign_withdrawal(undo)
            case Submit():
                return self._take(task, now)
            case _:
                raise AssertionError(f"customs does not know {kind}")

    # --- the enterprise's key -----------------------------------------------------------------------------------------

    def _sign(self, draft: Draft) -> Answered:
        """The real documents and the real match; only the bytes are none."""
        four = papers(draft, open_person(KEYS, draft.person), open_recipient(KEYS, draft.recipient))
        found = match(four, Terms(rates=lambda item: draft.rates.get(item.hs_code)))
        findings = tuple(finding.as_value() for finding in found)
        if any(finding.severity is Severity.BLOCK for finding in found):
            return Answered(self, Mismatched(findings))
        order_id, version, platform = draft.order_id, draft.version, draft.parties.platform.code
        invt_no = draft.invt_no or f"3500{draft.cop_no}"[:18]
        window = self._filing(Filed(order_id, Kind.ORDER, draft.paid.order_no, platform, "", version))
        window = window._filing(Filed(order_id, Kind.INVENTORY, draft.cop_no, platform, invt_no, version))
        window = replace(window, drafts={**self.drafts, f"{order_id}/{version}": draft})
        return Answered(window, Signed("order bytes", "inventory bytes", findings))

    def _sign_withdrawal(self, undo: UndoDraft) -> Answered:
        """It names what customs has, or nobody knows what it is about."""
        undo_document(undo, open_person(KEYS, undo.person))
        assert undo.invt_no in {one.invt_no for one in self.filed.values()}
        key = f"{undo.order_id}/{undo.number}"
        filed = Filed(undo.order_id, undo.kind, undo.cop_no, undo.parties.platform.code, undo.invt_no, undo.number)
        return Answered(replace(self._filing(filed), undone={**self.undone, key: undo}), SignedWithdrawal("bytes"))

    def _filing(self, filed: Filed) -> Window:
        key = envelope_key(filed.order_id, filed.version, filed.kind)
        return replace(self, filed={**self.filed, key: filed})

    # --- the window ---------------------------------------------------------------------------------------------------

    def _take(self, task: Submit, now: datetime) -> Answered:
        filed = self.filed[task.envelope]
        window = replace(self, sent=(*self.sent, f"{filed.kind.name.lower()}/{filed.version}"))
        if self.habits.silent:
            return Answered(replace(window, habits=replace(self.habits, silent=self.habits.silent - 1)), TAKEN)
        match filed.kind:
            case Kind.ORDER:
                return window.says(filed, self.habits.order, now)
            case Kind.CANCELLATION:
                return window.says(filed, self.habits.cancellation, now)
            case Kind.RETURN:
                return window.says(filed, self.habits.taken_back, now)
            case _:
                times = self.declared.get(filed.order_id, 0)
                script = self.habits.inventory[min(times, len(self.habits.inventory) - 1)]
                window = replace(window, declared={**self.declared, filed.order_id: times + 1})
                return window.says(filed, script, now)

    def newest(self, order_id: str, kind: Kind) -> Filed:
        return [one for one in self.filed.values() if (one.order_id, one.kind) == (order_id, kind)][-1]

    def says(self, about: Filed, statuses: tuple[str, ...], now: datetime) -> Answered:
        """Each receipt a tick later than the one before."""
        says = []
        for n, word in enumerate(statuses):
            status, _, place = word.partition("@")
            at = now + TICK * (self.said + int(place or n))
            named = self.newest(about.order_id, Kind.INVENTORY) if status.startswith("622:") else about
            receipt = self._receipt(named, status.removeprefix("622:"), at)
            says.append(Says(Heard(((about.order_id, receipt),))))
        return Answered(replace(self, said=self.said + len(statuses)), TAKEN, tuple(says), self.habits.slow)

    def _receipt(self, about: Filed, status: str, at: datetime) -> Receipt:
        unnumbered = status in {"1", "2", "3", "100"} or status.startswith("-")
        numbers: dict[str, Any] = (
            {"order_no": about.number, "ebp_code": about.platform}
            if about.kind is Kind.ORDER
            else {"cop_no": about.number, "invt_no": None if unnumbered else about.invt_no}
        )
        return Receipt(
            kind=about.kind, guid="G", status=status, reading=reading(about.kind, status), at=at,
            info=self.habits.info, **numbers,
        )  # fmt: skip
