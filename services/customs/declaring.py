"""From asked to sent: a version is built, signed, and its documents go out one after the other. Pure.

The order goes first and the inventory when customs has stored it. Whatever is sent was stored before, and what is
sent again is the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.customs.advice import FINAL, Advice
from services.customs.assessment import ordered_goods
from services.customs.commands import Mismatched, Sign, Signed, WaybillOverdue
from services.customs.compose import Draft
from services.customs.documents import Kind
from services.customs.dossier import Dossier
from services.customs.fixes import FIXES
from services.customs.policy import Policy, Said
from services.customs.sending import no_more_waiting, send
from services.customs.submission import DECLARING, ENVELOPE, Paper, Phase, SignedEnvelope, Submission, envelope_key
from shared.events.customs import DeclarationMismatched, DeclarationRejected, DeclarationSubmitted
from shared.events.values import Finding
from shared.flow.decision import Exhausted, Refused, Work, WorkName
from shared.ids import ceb_guid, cop_no

SIGN: Final = "sign"
WAYBILL_OVERDUE: Final = "waybill-overdue"
NEW, CHANGE = "1", "2"
ENDED: Final = (Phase.REJECTED, Phase.WITHDRAWN)


# --- building -------------------------------------------------------------------------------------------------------


def build(policy: Policy, dossier: Dossier, now: datetime) -> Said:
    """A new version as soon as it is asked for and complete."""
    sub = dossier.submission
    done = sub is not None and (sub.attempt >= dossier.asked or sub.phase is Phase.WITHDRAWN)
    if dossier.cancelled or dossier.under_way or done:
        return Said(dossier)
    if dossier.lacking == ("waybill document",):
        return _await_waybill(policy, dossier, now)
    if dossier.lacking:
        return Said(dossier)
    draft = _draft(policy, dossier, now)
    opened = replace(dossier.retiring(), submission=_submission(dossier, draft), versions=draft.version)
    cancel = (WorkName(WAYBILL_OVERDUE, dossier.order_id),)
    if draft.paid.identity_check == "different":
        return replace(mismatched(opened, (_payer_differs(draft),)), cancel=cancel)
    return Said(opened, work=(Work(SIGN, dossier.order_id, now, Sign(draft), str(draft.version)),), cancel=cancel)


def _await_waybill(policy: Policy, dossier: Dossier, now: datetime) -> Said:
    """Only where it was declared once and its change is missing. The first declaration is orders' to wait for."""
    told = any(case.code == "waybill_not_redeclared" for case in dossier.cases)
    if told or not (dossier.waybill.accepted and dossier.waybill.number):
        return Said(dossier)
    task = WaybillOverdue(dossier.order_id, dossier.recipient_version)
    return Said(
        dossier,
        work=(Work(WAYBILL_OVERDUE, dossier.order_id, policy.after(now, policy.waybill_patience), task),),
    )


def waybill_overdue(dossier: Dossier, task: WaybillOverdue, now: datetime) -> Dossier:
    """The declaration goes on waiting: with the old recipient on the waybill customs would only reject it again."""
    if dossier.recipient_version != task.recipient_version or dossier.lacking != ("waybill document",):
        return dossier
    return dossier.with_case("waybill_not_redeclared", dossier.waybill.number, now)


def _draft(policy: Policy, dossier: Dossier, now: datetime) -> Draft:
    sale, assessment, paid = dossier.sale, dossier.assessment, dossier.paid
    assert sale is not None
    assert assessment is not None
    assert assessment.valuation is not None
    assert paid is not None
    assert dossier.person is not None
    assert dossier.recipient is not None
    order_id, version = dossier.order_id, dossier.versions + 1
    return Draft(
        order_id=order_id,
        version=version,
        at=now,
        parties=policy.parties(sale),
        goods=ordered_goods(sale, dossier.goods),
        quantities=tuple(line.quantity for line in sale.lines),
        lines=assessment.lines,
        valuation=assessment.valuation,
        paid=paid,
        waybill=dossier.waybill,
        cargo=dossier.cargo,
        person=dossier.person,
        recipient=dossier.recipient,
        cop_no=dossier.declared_as or cop_no(order_id, "import", dossier.asked),
        order_guid=ceb_guid("order", order_id, str(version)),
        # Under a number that customs stored only a change is taken. That a corrected inventory is one, too, once it
        # has a number of customs', is a project rule (unconfirmed).
        order_type=CHANGE if dossier.order_stored == paid.order_no else NEW,
        order_message=ceb_guid("message", "order", order_id, str(version)),
        inventory_guid=ceb_guid("inventory", order_id, str(version)),
        inventory_type=CHANGE if dossier.invt_no else NEW,
        inventory_message=ceb_guid("message", "inventory", order_id, str(version)),
        pre_no=dossier.pre_no if dossier.invt_no else "",
        invt_no=dossier.invt_no,
    )


def _submission(dossier: Dossier, draft: Draft) -> Submission:
    order_id, version = dossier.order_id, draft.version
    return Submission(
        version=version,
        attempt=dossier.asked,
        order_no=draft.paid.order_no,
        cop_no=draft.cop_no,
        phase=Phase.SIGNING,
        order=Paper(draft.order_guid, draft.order_message, envelope_key(order_id, version, Kind.ORDER)),
        inventory=Paper(draft.inventory_guid, draft.inventory_message, envelope_key(order_id, version, Kind.INVENTORY)),
        person=draft.person,
        waybill=draft.waybill,
    )


def _payer_differs(draft: Draft) -> Finding:
    """The payment company compared: it tells that they differ, not who paid."""
    return Finding("R05", "payment.payer_id_number", "another person", draft.person.masked, *FIXES["R05"])


def restart(dossier: Dossier) -> Said:
    """What the version was built from has changed, and the inventory has not left: it is built anew."""
    sub = dossier.submission
    if sub is None or sub.phase in (Phase.INVENTORY_SENT, *ENDED):
        return Said(dossier)
    return Said(dossier.retiring(), cancel=no_more_waiting(dossier, *DECLARING))


def mended(dossier: Dossier) -> Said:
    """A partner's document came anew: a version that did not match gets another try."""
    sub = dossier.submission
    return restart(dossier) if sub is not None and sub.phase is Phase.MISMATCHED else Said(dossier)


def asked_again(dossier: Dossier, attempt: int) -> Dossier:
    """A request that crosses an inventory on its way is answered by that one."""
    sub = dossier.submission
    if dossier.under_way and sub is not None:
        dossier = replace(dossier, submission=replace(sub, attempt=max(sub.attempt, attempt)))
    return replace(dossier, asked=max(dossier.asked, attempt))


# --- signing --------------------------------------------------------------------------------------------------------


def signing_ended(policy: Policy, dossier: Dossier, draft: Draft, result: object, now: datetime) -> Said:
    sub = dossier.submission
    if sub is None or sub.version != draft.version or sub.phase is not Phase.SIGNING:
        return Said(dossier)
    match result:
        case Signed():
            return _signed(policy, dossier, draft, result, now)
        case Mismatched(findings=findings):
            return mismatched(dossier, findings)
        case Refused(code=code, message=message) | Exhausted(code=code, message=message):
            finding = Finding(code, "dossier", "", message[:200], *FIXES["X01"])
            return mismatched(dossier.with_case("not_signed", f"{code}: {message}", now), (finding,))
        case _:
            raise AssertionError(f"signing ended as {type(result).__name__}")


def _signed(policy: Policy, dossier: Dossier, draft: Draft, signed: Signed, now: datetime) -> Said:
    """Bytes and numbers are committed before the first byte leaves: whatever comes back finds its order."""
    sub, sale = dossier.submission, dossier.sale
    assert sub is not None
    assert sale is not None
    order_id = dossier.order_id
    sealed = {Kind.ORDER: signed.order, Kind.INVENTORY: signed.inventory}
    puts = tuple(
        ENVELOPE.put(sub.paper(kind).envelope, SignedEnvelope(order_id, sub.version, kind, text))
        for kind, text in sealed.items()
    )
    aliases = _names(draft, order_id)
    kept = replace(dossier, submission=replace(sub, findings=signed.findings))
    if sale.declared_by.order == "self":
        said = send(policy, kept.with_phase(Phase.ORDER_SENT), Kind.ORDER, now)
    else:
        said = inventory_out(policy, kept, now)
    return replace(said, puts=puts + said.puts, aliases=aliases)


def _names(draft: Draft, order_id: str) -> Mapping[str, str]:
    names = (
        inventory_name(draft.cop_no),
        order_name(draft.parties.platform.code, draft.paid.order_no),
        message_name(draft.order_message),
        message_name(draft.inventory_message),
    )
    return dict.fromkeys(names, order_id)


def inventory_name(number: str) -> str:
    return f"copNo:{number}"


def order_name(platform: str, number: str) -> str:
    return f"order:{platform}/{number}"


def message_name(message_id: str) -> str:
    return f"message:{message_id}"


def customs_name(number: str) -> str:
    return f"invtNo:{number}"


def mismatched(dossier: Dossier, findings: tuple[Finding, ...]) -> Said:
    """The inventory is not sent; what must be mended is told."""
    sub = dossier.submission
    assert sub is not None
    stopped = replace(sub, phase=Phase.MISMATCHED, findings=findings)
    fact = DeclarationMismatched(
        order_id=dossier.order_id, seller=dossier.seller, role="import", attempt=sub.attempt, findings=findings
    )
    return Said(replace(dossier, submission=stopped), (fact,), cancel=no_more_waiting(dossier, *DECLARING))


# --- sent and refused -----------------------------------------------------------------------------------------------


def inventory_out(policy: Policy, dossier: Dossier, now: datetime) -> Said:
    """Customs has the order, the partners' documents were accepted: the inventory goes out, and counts as submitted."""
    sent = replace(dossier.with_phase(Phase.INVENTORY_SENT), said="submitted")
    said = send(policy, sent, Kind.INVENTORY, now)
    return replace(said, facts=(submitted(sent),), cancel=no_more_waiting(dossier, Kind.ORDER))


def submitted(dossier: Dossier) -> DeclarationSubmitted:
    sub = dossier.submission
    assert sub is not None
    return DeclarationSubmitted(
        order_id=dossier.order_id,
        seller=dossier.seller,
        role="import",
        attempt=sub.attempt,
        cop_no=sub.cop_no,
        dossier_version=sub.version,
    )


def failed(dossier: Dossier, kind: Kind, advice: Advice) -> Said:
    """A document of ours is refused for good: before the inventory left it is a mismatch, afterwards a rejection."""
    sub = dossier.submission
    assert sub is not None
    if kind is Kind.INVENTORY and sub.phase is Phase.INVENTORY_SENT:
        return rejected(dossier, advice)
    if kind is Kind.ORDER and sub.phase is Phase.ORDER_SENT:
        finding = Finding(advice.code, "order", "", advice.reason, advice.fix_en, advice.fix_zh)
        return mismatched(dossier, (finding,))
    return Said(dossier)


def rejected(dossier: Dossier, advice: Advice) -> Said:
    """The yearly amount stays booked: the same order is corrected and declared again, or cancelled and given back.

    `final` where no correction helps: the buyer's limits, by customs' own count.
    """
    sub = dossier.submission
    assert sub is not None
    fact = DeclarationRejected(
        order_id=dossier.order_id,
        seller=dossier.seller,
        role="import",
        attempt=sub.attempt,
        code=advice.code,
        reason=advice.reason,
        fix_en=advice.fix_en,
        fix_zh=advice.fix_zh,
        final=advice.code in FINAL,
    )
    ended = replace(dossier.with_phase(Phase.REJECTED), said="rejected")
    return Said(ended, (fact,), cancel=no_more_waiting(dossier, *DECLARING))


def cancel_timers(dossier: Dossier) -> Said:
    return Said(dossier, cancel=(*no_more_waiting(dossier), WorkName(WAYBILL_OVERDUE, dossier.order_id)))
