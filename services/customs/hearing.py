"""What customs says, applied to its order: receipts in any order, each once; facts where a word changed.

Pure. A receipt older than what is known moves nothing back; it is logged, and a number that it brings is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from services.customs import withdrawing
from services.customs.advice import Advice, advise, used_in_year
from services.customs.assessing import booked_quota, give_back
from services.customs.commands import FormatRefused, Spoken
from services.customs.declaring import customs_name, failed, inventory_out, rejected, submitted
from services.customs.documents import BEIJING, CNY, Kind, TaxBill, TaxBillChange, fen
from services.customs.dossier import QUOTA, Dossier, TaxDue
from services.customs.policy import Policy, Said
from services.customs.receipts import PAPERS, Action, Receipt, State, Step, Word, advance, silence
from services.customs.sending import no_more_waiting, resend
from services.customs.submission import UNDOING, Phase
from services.customs.tariff import limits_on
from shared.errors import BadInput
from shared.events.base import Event
from shared.events.customs import (
    DeclarationDetained,
    DeclarationHeld,
    DeclarationReleased,
    DeclarationReturnedAbroad,
    DeclarationStored,
)
from shared.flow.decision import States
from shared.money import Money

OVER_THE_YEAR: Final = "-621018"  # customs' own count of the buyer's yearly amount is higher than ours
VOID: Final = "3"
_NUMBERED: Final = frozenset({"stored", "held", "detained", "released"})


def hear(policy: Policy, states: States, dossier: Dossier, word: Spoken, now: datetime) -> Said:
    match word:
        case Receipt():
            return _receipt(policy, states, dossier, word, now)
        case FormatRefused():
            return _unreadable(dossier, word, now)
        case TaxBill():
            return Said(_billed(dossier, word, now))
        case TaxBillChange():
            return Said(_bill_changed(dossier, word))


def _receipt(policy: Policy, states: States, dossier: Dossier, receipt: Receipt, now: datetime) -> Said:
    if dossier.knows(receipt):
        return Said(dossier)
    dossier = dossier.logging(receipt).without_case("no_receipt")
    sub = dossier.submission
    if sub is None or sub.phase is Phase.SIGNING:
        return Said(dossier)  # about a version that was given up
    if receipt.kind is Kind.ORDER:
        return _about_order(policy, dossier, receipt, now)
    if receipt.kind is Kind.INVENTORY and receipt.cop_no == sub.cop_no:
        return _about_inventory(policy, states, dossier, receipt, now)
    if receipt.kind in UNDOING and dossier.withdrawal and receipt.cop_no == dossier.withdrawal.cop_no:
        return _about_withdrawal(policy, states, dossier, receipt, now)
    return Said(dossier)


def _stepped(dossier: Dossier, receipt: Receipt) -> tuple[Dossier, Step]:
    paper = dossier.paper(receipt.kind)
    assert paper is not None
    step = advance(receipt.kind, paper.progress, receipt.reading, receipt.at)
    return dossier.with_paper(receipt.kind, replace(paper, progress=step.progress)), step


def _about_order(policy: Policy, dossier: Dossier, receipt: Receipt, now: datetime) -> Said:
    """312 stays inside customs; when it says stored, the inventory goes out."""
    dossier, step = _stepped(dossier, receipt)
    said = _acted(policy, dossier, receipt, step, now)
    sub = said.dossier.submission
    assert sub is not None
    if sub.order.stored:
        said = replace(said, dossier=replace(said.dossier, order_stored=sub.order_no))
    if sub.phase is not Phase.ORDER_SENT:
        return said
    if sub.order.stored:
        return said.then(inventory_out(policy, said.dossier, now))
    if PAPERS[sub.order.progress.state] == "rejected":
        return said.then(failed(said.dossier, Kind.ORDER, advise(receipt.status, receipt.info)))
    return said


def _about_inventory(policy: Policy, states: States, dossier: Dossier, receipt: Receipt, now: datetime) -> Said:
    sub = dossier.submission
    assert sub is not None
    if sub.phase is Phase.WITHDRAWN:
        return Said(_after_all(dossier, receipt, now))
    if sub.phase not in (Phase.INVENTORY_SENT, Phase.REJECTED):
        return Said(dossier)
    dossier, step = _stepped(_numbered(dossier, receipt), receipt)
    said = _acted(policy, dossier, receipt, step, now)
    said = said.then(_over_the_year(states, said.dossier, receipt, now))
    said = said.then(_spoken(said.dossier, receipt))
    if Action.RELEASE_QUOTA in step.actions and step.progress.state is State.RETURNED_ABROAD:
        said = said.then(give_back(states, said.dossier))
    if receipt.invt_no:
        said = replace(said, aliases={**said.aliases, customs_name(receipt.invt_no): dossier.order_id})
    return said


def _about_withdrawal(policy: Policy, states: States, dossier: Dossier, receipt: Receipt, now: datetime) -> Said:
    dossier, step = _stepped(dossier, receipt)
    said = _acted(policy, dossier, receipt, step, now)
    return said.then(withdrawing.concluded(states, said.dossier, receipt, now))


def _after_all(dossier: Dossier, receipt: Receipt, now: datetime) -> Dossier:
    """Customs said that the declaration is void, and now that it is released: only a person can find out."""
    cancelled = dossier.withdrawal is not None and dossier.withdrawal.kind == "cancel"
    if receipt.reading is not Word.RELEASED or not cancelled:
        return dossier
    return dossier.with_case("withdrawal_contradicted", f"{receipt.kind} {receipt.status}: {receipt.info}", now)


def give_up(dossier: Dossier, kind: Kind, advice: Advice) -> Said:
    """A document of ours is refused for good, by its kind."""
    return withdrawing.failed(dossier, kind, advice) if kind in UNDOING else failed(dossier, kind, advice)


def _numbered(dossier: Dossier, receipt: Receipt) -> Dossier:
    """Customs' numbers may stand in an older receipt only: they are kept whenever they come."""
    if not receipt.invt_no and not receipt.pre_no:
        return dossier
    return replace(
        dossier,
        pre_no=receipt.pre_no or dossier.pre_no,
        invt_no=receipt.invt_no or dossier.invt_no,
        declared_as=(receipt.cop_no or "") if receipt.invt_no else dossier.declared_as,
    )


_CASES: Final[Mapping[Action, str]] = {
    Action.ALERT: "unknown_status",
    Action.CALL_PERSON: "customs_exception",
    Action.OPEN_CASE: "detained",
}


def _acted(policy: Policy, dossier: Dossier, receipt: Receipt, step: Step, now: datetime) -> Said:
    """Cases for people, another try where customs asks for one, an end to waiting where nothing is awaited."""
    for action in step.actions:
        if action in _CASES:
            dossier = dossier.with_case(_CASES[action], f"{receipt.kind} {receipt.status}: {receipt.info}", now)
    timer = no_more_waiting(dossier, receipt.kind)
    if Action.RESEND in step.actions:
        again = resend(policy, dossier, receipt.kind, now, policy.after(now, policy.retry_pause))
        return replace(again, cancel=timer)
    return Said(dossier, cancel=() if silence(step.progress) else timer)


def _over_the_year(states: States, dossier: Dossier, receipt: Receipt, now: datetime) -> Said:
    """The buyer bought elsewhere, too: what customs counts is the new lower bound of our count.

    With this order it is beyond the limit; where customs names what was used before, that and this order.
    """
    booked = dossier.booked
    if receipt.status != OVER_THE_YEAR or booked is None:
        return Said(dossier)
    quota, limit = booked_quota(states, booked), limits_on(now.astimezone(BEIJING).date()).annual
    named = used_in_year(receipt.info)
    known = quota.at_least(limit + Money(1, CNY)).at_least(Money.parse(named or "0", CNY) + booked.base)
    return Said(dossier, puts=(QUOTA.put(booked.person, known),))


# --- the papers track, in its own words -----------------------------------------------------------------------------


def _spoken(dossier: Dossier, receipt: Receipt) -> Said:
    """One fact for each new word about the inventory; a word that customs left out is said before the later one."""
    sub = dossier.submission
    assert sub is not None
    word = PAPERS[sub.inventory.progress.state]
    if word == "rejected":
        refused = dossier.said != "rejected"
        return rejected(dossier, advise(receipt.status, receipt.info)) if refused else Said(dossier)
    facts: list[Event] = []
    if dossier.said == "rejected":  # customs took it up again
        dossier = replace(dossier.with_phase(Phase.INVENTORY_SENT), said="submitted")
        facts.append(submitted(dossier))
    if word in _NUMBERED and dossier.invt_no and dossier.invt_no_said != dossier.invt_no:
        facts.append(_stored(dossier))
        dossier = replace(dossier, invt_no_said=dossier.invt_no)
    if word != dossier.said and word in _SPEAK:
        facts.append(_SPEAK[word](dossier, receipt))
    return Said(replace(dossier, said=word), tuple(facts))


def _stored(dossier: Dossier) -> DeclarationStored:
    assert dossier.submission is not None
    return DeclarationStored(
        order_id=dossier.order_id,
        seller=dossier.seller,
        role="import",
        attempt=dossier.submission.attempt,
        invt_no=dossier.invt_no,
    )


def _released(dossier: Dossier, receipt: Receipt) -> Event:
    assert dossier.submission is not None
    return DeclarationReleased(
        order_id=dossier.order_id,
        seller=dossier.seller,
        role="import",
        attempt=dossier.submission.attempt,
        dossier_version=dossier.submission.version,
        at=receipt.at,
    )


def _reasoned(
    fact: type[DeclarationHeld | DeclarationDetained | DeclarationReturnedAbroad], dossier: Dossier, receipt: Receipt
) -> Event:
    assert dossier.submission is not None
    return fact(
        order_id=dossier.order_id,
        seller=dossier.seller,
        role="import",
        attempt=dossier.submission.attempt,
        reason=advise(receipt.status, receipt.info).reason,
    )


_SPEAK: Final[Mapping[str, Callable[[Dossier, Receipt], Event]]] = {
    "released": _released,
    "held": partial(_reasoned, DeclarationHeld),
    "detained": partial(_reasoned, DeclarationDetained),
    "returned-abroad": partial(_reasoned, DeclarationReturnedAbroad),
}


# --- what is no receipt ---------------------------------------------------------------------------------------------


def _unreadable(dossier: Dossier, word: FormatRefused, now: datetime) -> Said:
    """Our own fault: nothing is sent again, a person looks, and the declaration is told to have failed."""
    dossier = dossier.with_case("format_refused", f"{word.status}: {word.info}", now)
    papers = {kind: dossier.paper(kind) for kind in Kind}
    kind = next((kind for kind, paper in papers.items() if paper and paper.message_id == word.message_id), None)
    paper = papers[kind] if kind else None
    if kind is None or paper is None:
        return Said(dossier)
    ended = replace(paper.progress, state=State.FAILED, at=word.at)
    marked = dossier.with_paper(kind, replace(paper, progress=ended))
    return give_up(marked, kind, replace(advise("format", word.info), code=word.status))


def _billed(dossier: Dossier, bill: TaxBill, now: datetime) -> Dossier:
    """Customs' amount is booked as it is; one that is not ours is a case, since nobody documents how customs rounds."""
    try:
        total = fen(bill.total)
    except BadInput:
        return dossier.with_case("tax_bill_unreadable", f"{bill.tax_no}: {bill.total}", now)
    billed = replace(dossier, tax_bill=TaxDue(bill.tax_no, total, bill.status))
    ours = dossier.assessment.valuation.tax if dossier.assessment and dossier.assessment.valuation else None
    if bill.status == VOID or ours == total:
        return billed
    return billed.with_case("tax_bill_differs", f"{bill.tax_no}: {total}, ours {ours}", now)


def _bill_changed(dossier: Dossier, change: TaxBillChange) -> Dossier:
    bill = dossier.tax_bill
    if bill is None or bill.tax_no != change.tax_no:
        return dossier
    return replace(dossier, tax_bill=replace(bill, status=change.status))
