"""A dossier for people and scripts. Persons only masked, money in minor units. Pure."""

from __future__ import annotations

from typing import Any

from services.customs.dossier import Dossier
from services.customs.hearing import VOID
from services.customs.policy import Policy
from services.customs.sides import side_by_side
from services.customs.submission import DECLARING, Paper, Past, Phase, Submission, Withdrawal


def view(dossier: Dossier) -> dict[str, Any]:
    """What is known, said and awaited of one order."""
    assessment, sub = dossier.assessment, dossier.submission
    return {
        "order_id": dossier.order_id,
        "seller": dossier.seller,
        "papers": dossier.said or ("assessed" if assessment and assessment.made else "none"),
        "waits_for": list(dossier.lacking),
        "person": dossier.person.masked if dossier.person else None,
        "recipient": dossier.recipient.masked if dossier.recipient else None,
        "identity": dossier.identity,
        "valuation": assessment.valuation if assessment else None,
        "refused": assessment.reason if assessment else "",
        "findings": [*(assessment.findings if assessment else ()), *(sub.findings if sub else ())],
        "observed": dossier.observed,
        "cargo": dossier.cargo if dossier.sale and dossier.sale.direct else None,
        "withdrawal": _withdrawal(dossier.withdrawal) if dossier.withdrawal else None,
        "yearly_amount_booked": dossier.booked.base if dossier.booked else None,
        "submission": _submission(sub) if sub else None,
        "waybill_no": dossier.waybill.number,
        "invt_no": dossier.invt_no,
        "pre_no": dossier.pre_no,
        "tax_bill": dossier.tax_bill,
        "tax_bill_to_be_voided": _to_be_voided(dossier),
        "receipts": [
            {"document": one.kind, "number": one.number, "status": one.status, "info": one.info, "at": one.at}
            for one in dossier.receipts
        ],
        "cases": list(dossier.cases),
    }


def declaration(policy: Policy, dossier: Dossier) -> dict[str, Any]:
    """The documents side by side, every version, every receipt: what an operator needs to see what disagrees."""
    return {
        **view(dossier),
        "documents": side_by_side(policy, dossier),
        "versions": [
            *(_version(past, current=False) for past in dossier.past),
            *([_version(dossier.submission, current=True)] if dossier.submission else []),
        ],
        "closed_cases": list(dossier.closed),
    }


def _version(one: Past | Submission, *, current: bool) -> dict[str, Any]:
    return {
        "version": one.version, "attempt": one.attempt, "order_no": one.order_no, "cop_no": one.cop_no,
        "phase": one.phase, "findings": list(one.findings), "current": current,
    }  # fmt: skip


def _to_be_voided(dossier: Dossier) -> bool:
    """Nothing is owed any more: customs' bill has to become void (818 status 3)."""
    bill, sub = dossier.tax_bill, dossier.submission
    over = dossier.said == "returned-abroad" or (sub is not None and sub.phase is Phase.WITHDRAWN)
    return bill is not None and over and bill.status != VOID


def _withdrawal(one: Withdrawal) -> dict[str, Any]:
    return {
        "number": one.number, "kind": one.kind, "reason": one.reason, "state": one.taking, "cop_no": one.cop_no,
        "document": _paper(one.paper),
    }  # fmt: skip


def _submission(sub: Submission) -> dict[str, Any]:
    return {
        "version": sub.version,
        "attempt": sub.attempt,
        "phase": sub.phase,
        "order_no": sub.order_no,
        "cop_no": sub.cop_no,
        "documents": {kind: _paper(sub.paper(kind)) for kind in DECLARING},
    }


def _paper(paper: Paper) -> dict[str, Any]:
    return {
        "guid": paper.guid,
        "state": paper.progress.state,
        "sent_at": paper.sent_at,
        "resent": paper.resent,
        "error": paper.error,
    }
