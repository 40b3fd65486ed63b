"""Stored bytes on their way: sent, sent again byte for byte when customs is silent, and then a person. Pure.

The same for every document of ours: order, inventory, cancellation and return.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.customs.advice import Advice, advise
from services.customs.commands import ReceiptOverdue, Submit
from services.customs.documents import Kind
from services.customs.dossier import Dossier
from services.customs.policy import Policy, Said
from services.customs.receipts import State, silence
from services.customs.submission import DECLARING, UNDOING, Paper, Phase, Taking
from shared.flow.decision import Exhausted, Refused, Work, WorkName

SUBMIT: Final = "submit"
RECEIPT_OVERDUE: Final = "receipt-overdue"
OURS: Final = (*DECLARING, *UNDOING)
GivenUp = Callable[[Dossier, Kind, Advice], Said]


def send(policy: Policy, dossier: Dossier, kind: Kind, due: datetime) -> Said:
    """Hand the stored bytes to the window at `due`."""
    sale, paper = dossier.sale, dossier.paper(kind)
    assert sale is not None
    assert paper is not None
    parties, version = policy.parties(sale), dossier.version_of(kind)
    task = Submit(
        dossier.order_id, version, kind, paper.envelope, parties.office, office_confirmed=parties.office_confirmed
    )
    return Said(dossier, work=(Work(SUBMIT, dossier.order_id, due, task, f"{kind}/{version}/{paper.resent}"),))


def resend(policy: Policy, dossier: Dossier, kind: Kind, now: datetime, due: datetime) -> Said:
    """The identical bytes once more, at `due`; after the last time a person."""
    paper = dossier.paper(kind)
    assert paper is not None
    if paper.resent >= policy.resends:
        return Said(dossier.with_case("no_receipt", f"{kind}: sent {paper.resent + 1} times, {paper.error}", now))
    return send(policy, dossier.with_paper(kind, replace(paper, resent=paper.resent + 1)), kind, due)


def sending_ended(
    policy: Policy, dossier: Dossier, task: Submit, result: object, now: datetime, give_up: GivenUp
) -> Said:
    """Taken says nothing of the content, unanswered is no refusal: either way a word about it is awaited now."""
    paper = _current(dossier, task)
    if paper is None:
        return Said(dossier)
    match result:
        case Refused(code=code, message=message):
            return _not_taken(dossier, task.kind, paper, advise(code, message), now, give_up)
        case Exhausted(code=code, message=message):
            error = f"{code}: {message}"[:200]
        case _:  # the window's answer
            error = ""
    sent = dossier.with_paper(task.kind, replace(paper, error=error, sent_at=now))
    if not _awaited(dossier, task.kind, paper):
        return Said(sent)
    overdue = ReceiptOverdue(dossier.order_id, task.version, task.kind)
    due = policy.after(now, policy.receipt_patience)
    return Said(sent, work=(Work(RECEIPT_OVERDUE, dossier.order_id, due, overdue, task.kind),))


def _current(dossier: Dossier, task: Submit | ReceiptOverdue) -> Paper | None:
    """The document that the task means, unless another version took its place."""
    return dossier.paper(task.kind) if dossier.version_of(task.kind) == task.version else None


def _awaited(dossier: Dossier, kind: Kind, paper: Paper) -> bool:
    """Nothing final was said about the document, and it still matters."""
    declared_before = paper.progress.state is State.ALREADY_DECLARED
    return _matters(dossier, kind) and (declared_before or silence(paper.progress) != ())


def _matters(dossier: Dossier, kind: Kind) -> bool:
    sub, withdrawal = dossier.submission, dossier.withdrawal
    if kind in UNDOING:
        return withdrawal is not None and withdrawal.taking is Taking.SENT
    if sub is None or sub.phase in (Phase.MISMATCHED, Phase.REJECTED, Phase.WITHDRAWN):
        return False
    return kind is Kind.INVENTORY or not sub.order.stored


def _not_taken(dossier: Dossier, kind: Kind, paper: Paper, advice: Advice, now: datetime, give_up: GivenUp) -> Said:
    if silence(paper.progress) == ():
        return Said(dossier)  # a receipt has said more than the door did
    return give_up(dossier.with_case("window_refused", f"{kind}: {advice.reason}", now), kind, advice)


def receipt_overdue(policy: Policy, dossier: Dossier, task: ReceiptOverdue, now: datetime) -> Said:
    paper = _current(dossier, task)
    if paper is None or not _awaited(dossier, task.kind, paper):
        return Said(dossier)
    if paper.progress.state is State.ALREADY_DECLARED:
        return Said(dossier.with_case("no_receipt", "customs says it was declared before, and no more", now))
    if paper.progress.state not in (State.SENT_UNKNOWN, State.SEND_ERROR_RETRYABLE) and paper.sent_at is not None:
        final = policy.after(paper.sent_at, policy.stored_patience)
        if now < final:
            return Said(dossier, work=(Work(RECEIPT_OVERDUE, dossier.order_id, final, task, task.kind),))
    return resend(policy, dossier, task.kind, now, now)


def no_more_waiting(dossier: Dossier, *kinds: Kind) -> tuple[WorkName, ...]:
    """Nothing is awaited about these any more; about none of ours, where none is named."""
    return tuple(WorkName(RECEIPT_OVERDUE, dossier.order_id, kind) for kind in kinds or OURS)
