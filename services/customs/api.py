"""What sellers and operators ask of customs. Closed by default; persons only masked."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header

from services.customs import store
from services.customs.documents import Kind
from services.customs.dossier import Dossier, Submission
from shared.service import Service

Authorization = Annotated[str, Header()]


def router(service: Service) -> APIRouter:
    routes = APIRouter(tags=["customs"])
    resources = service.resources

    @routes.get("/v1/orders/{order_id}/dossier")
    async def dossier(order_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """One order's customs side: value, documents, findings, receipts, and what it waits for."""
        principal = resources.tokens.principal(authorization, "operator", "seller")
        return view(await store.dossier(resources.read, order_id, principal))

    @routes.get("/v1/customs/cases")
    async def cases(authorization: Authorization = "") -> dict[str, Any]:
        """Dossiers that wait for a person, at most a hundred. For operators."""
        resources.tokens.principal(authorization, "operator")
        found = await store.with_cases(resources.read)
        return {"cases": [{"order_id": one.order_id, "seller": one.seller, "cases": one.cases} for one in found]}

    return routes


def view(dossier: Dossier) -> dict[str, Any]:
    """One dossier for people and scripts. Money in minor units."""
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
        "yearly_amount_booked": dossier.booked.base if dossier.booked else None,
        "submission": _submission(sub) if sub else None,
        "waybill_no": dossier.waybill.number,
        "invt_no": dossier.invt_no,
        "pre_no": dossier.pre_no,
        "tax_bill": dossier.tax_bill,
        "receipts": [
            {"document": one.kind, "number": one.number, "status": one.status, "info": one.info, "at": one.at}
            for one in dossier.receipts
        ],
        "cases": list(dossier.cases),
    }


def _submission(sub: Submission) -> dict[str, Any]:
    return {
        "version": sub.version,
        "attempt": sub.attempt,
        "phase": sub.phase,
        "order_no": sub.order_no,
        "cop_no": sub.cop_no,
        "documents": {kind: _paper(sub, kind) for kind in (Kind.ORDER, Kind.INVENTORY)},
    }


def _paper(sub: Submission, kind: Kind) -> dict[str, Any]:
    paper = sub.paper(kind)
    return {
        "guid": paper.guid,
        "state": paper.progress.state,
        "sent_at": paper.sent_at,
        "resent": paper.resent,
        "error": paper.error,
    }
