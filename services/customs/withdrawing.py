"""Taking a declaration back: asked, waiting until customs has it, sent, agreed or refused. Pure.

A cancellation needs customs' number of the inventory, so it waits for `stored`; it is lost as soon as the release is
heard. A return waits for the release. Either is answered once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.customs.advice import Advice, advise
from services.customs.assessing import give_back
from services.customs.commands import SignedWithdrawal, SignWithdrawal
from services.customs.declaring import inventory_name, message_name
from services.customs.documents import Kind
from services.customs.dossier import Dossier
from services.customs.fixes import FIXES
from services.customs.policy import Policy, Said
from services.customs.receipts import CANCELLABLE, Receipt, State
from services.customs.sending import no_more_waiting, send
from services.customs.submission import (
    ENVELOPE,
    UNDOING,
    UNDONE_BY,
    Paper,
    Phase,
    SignedEnvelope,
    Submission,
    Taking,
    Undoing,
    Withdrawal,
    envelope_key,
)
from services.customs.undoing import UndoDraft, undo_draft
from shared.events.customs import DeclarationWithdrawn, WithdrawalRefused
from shared.events.orders import WithdrawalRequested
from shared.flow.decision import Exhausted, Refused, States, Work, WorkName
from shared.ids import ceb_guid, cop_no

SIGN_WITHDRAWAL: Final = "sign-withdrawal"
TRIES: Final = 5  # of one order; a sixth has no other chance and is a person's
RELEASED: Final = frozenset({State.RELEASED, State.CLOSED})
# Which states of the inventory each kind can undo.
UNDOES: Final[Mapping[Undoing, frozenset[State]]] = {"cancel": CANCELLABLE, "return": RELEASED}
# Customs' last word about the cancellation or the return itself.
AGREED: Final = frozenset({State.CANCELLED, State.REFUND_APPROVED})
TURNED_DOWN: Final = frozenset({State.CANCEL_REFUSED, State.REFUND_REFUSED, State.REJECTED, State.FAILED})


# --- asked ------------------------------------------------------------------------------------------------------------


def requested(dossier: Dossier, fact: WithdrawalRequested, now: datetime) -> Said:
    """The same request again is the one at hand; another kind takes its place."""
    at_hand = dossier.withdrawal
    if fact.role != "import" or dossier.said == "withdrawn":
        return Said(dossier)
    if at_hand is not None and at_hand.open and at_hand.kind == fact.kind:
        return Said(dossier)
    if at_hand is not None and at_hand.number >= TRIES:
        return Said(dossier.with_case("withdrawal_stuck", f"{fact.kind} was refused {at_hand.number} times", now))
    number = at_hand.number + 1 if at_hand else 1
    asked = Withdrawal(
        number=number,
        kind=fact.kind,
        reason=fact.reason[:200],
        cop_no=cop_no(dossier.order_id, fact.kind, number),
        paper=_paper(dossier.order_id, number, UNDONE_BY[fact.kind]),
    )
    return Said(replace(dossier, withdrawal=asked), cancel=_timers(dossier))


def _paper(order_id: str, number: int, kind: Kind) -> Paper:
    guid, message = ceb_guid(kind, order_id, str(number)), ceb_guid("message", kind, order_id, str(number))
    return Paper(guid, message, envelope_key(order_id, number, kind))


def _timers(dossier: Dossier) -> tuple[WorkName, ...]:
    return no_more_waiting(dossier, *UNDOING)


# --- what became possible ---------------------------------------------------------------------------------------------


def proceed(policy: Policy, states: States, dossier: Dossier, now: datetime) -> Said:
    """Whatever the inventory's state makes of the request that is at hand."""
    asked, sub = dossier.withdrawal, dossier.submission
    if asked is None or not asked.open:
        return Said(dossier)
    if sub is None or sub.phase in (Phase.MISMATCHED, Phase.REJECTED):
        return agreed(states, dossier, now)  # nothing stands at customs
    if sub.phase is not Phase.INVENTORY_SENT:
        return Said(dossier)
    state = sub.inventory.progress.state
    if asked.kind == "cancel" and state in RELEASED:
        return turned_down(dossier, advise("released", "customs released the inventory first"))
    if state is State.RETURNED_ABROAD:
        return Said(replace(dossier, withdrawal=replace(asked, taking=Taking.REFUSED)), cancel=_timers(dossier))
    if asked.taking is not Taking.WAITING or state not in UNDOES[asked.kind] or not dossier.invt_no:
        return Said(dossier)
    if asked.kind == "return" and _too_late(policy, sub, now):
        return turned_down(dossier, Advice("R30", FIXES["R30"][0], *FIXES["R30"]))
    signing = replace(dossier, withdrawal=replace(asked, taking=Taking.SIGNING))
    task = SignWithdrawal(undo_draft(policy, signing, now))
    return Said(signing, work=(Work(SIGN_WITHDRAWAL, dossier.order_id, now, task, str(asked.number)),))


def _too_late(policy: Policy, sub: Submission, now: datetime) -> bool:
    """R30: 30 days from the release, by business time."""
    released_at = sub.inventory.progress.released_at
    return released_at is not None and now > policy.after(released_at, policy.return_within)


def signing_ended(policy: Policy, dossier: Dossier, draft: UndoDraft, result: object, now: datetime) -> Said:
    asked = dossier.withdrawal
    if asked is None or asked.number != draft.number or asked.taking is not Taking.SIGNING:
        return Said(dossier)
    match result:
        case SignedWithdrawal(sealed=sealed):
            return _signed(policy, dossier, asked, sealed, now)
        case Refused(code=code, message=message) | Exhausted(code=code, message=message):
            noted = dossier.with_case("not_signed", f"{asked.document} {code}: {message}", now)
            return turned_down(noted, Advice(code, message[:200], *FIXES["X01"]))
        case _:
            raise AssertionError(f"signing ended as {type(result).__name__}")


def _signed(policy: Policy, dossier: Dossier, asked: Withdrawal, sealed: str, now: datetime) -> Said:
    """Bytes and numbers are committed before the first byte leaves."""
    order_id, paper = dossier.order_id, asked.paper
    put = ENVELOPE.put(paper.envelope, SignedEnvelope(order_id, asked.number, asked.document, sealed))
    aliases = dict.fromkeys((inventory_name(asked.cop_no), message_name(paper.message_id)), str(order_id))
    sent = replace(dossier, withdrawal=replace(asked, taking=Taking.SENT))
    return replace(send(policy, sent, asked.document, now), puts=(put,), aliases=aliases)


# --- answered ---------------------------------------------------------------------------------------------------------


def concluded(states: States, dossier: Dossier, receipt: Receipt, now: datetime) -> Said:
    """After a receipt moved the document: customs' last word about it is the answer."""
    asked = dossier.withdrawal
    assert asked is not None
    state = asked.paper.progress.state
    if not asked.open:
        lost = asked.taking is Taking.REFUSED and state in AGREED
        detail = f"{receipt.kind} {receipt.status}: {receipt.info}"
        return Said(dossier.with_case("withdrawal_contradicted", detail, now) if lost else dossier)
    if state in AGREED:
        return agreed(states, dossier, receipt.at)
    if state in TURNED_DOWN:
        return turned_down(dossier, advise(receipt.status, receipt.info))
    return Said(dossier)


def agreed(states: States, dossier: Dossier, at: datetime) -> Said:
    """The declaration is void or returned: the buyer's yearly amount is free again. Its tax bill must become void."""
    asked, sub = dossier.withdrawal, dossier.submission
    assert asked is not None
    fact = DeclarationWithdrawn(
        order_id=dossier.order_id,
        seller=dossier.seller,
        role="import",
        attempt=sub.attempt if sub else dossier.asked,
        kind=asked.kind,
        at=at,
    )
    ended = replace(dossier, withdrawal=replace(asked, taking=Taking.AGREED), said="withdrawn")
    ended = ended.with_phase(Phase.WITHDRAWN) if sub else ended
    return Said(ended, (fact,), cancel=no_more_waiting(ended)).then(give_back(states, ended))


def turned_down(dossier: Dossier, advice: Advice) -> Said:
    """The declaration stands."""
    asked = dossier.withdrawal
    assert asked is not None
    fact = WithdrawalRefused(
        order_id=dossier.order_id,
        seller=dossier.seller,
        role="import",
        attempt=dossier.submission.attempt if dossier.submission else dossier.asked,
        kind=asked.kind,
        code=advice.code,
        reason=advice.reason,
    )
    ended = replace(dossier, withdrawal=replace(asked, taking=Taking.REFUSED))
    return Said(ended, (fact,), cancel=_timers(dossier))


def failed(dossier: Dossier, kind: Kind, advice: Advice) -> Said:
    """The window did not take it, or could not read it."""
    asked = dossier.withdrawal
    return turned_down(dossier, advice) if asked and asked.open and asked.document is kind else Said(dossier)
