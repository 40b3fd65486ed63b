"""What operators and sellers ask of payments. No money moves here: that is for facts and for the provider's word."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from services.payments import store
from services.payments.commands import CaseClosed
from services.payments.payment import Payment
from shared.http.app import read_body
from shared.http.closing import Closing, LeftOpen
from shared.http.commands import Authorization, Once, body_of, parsed, take_once
from shared.ids import OrderId
from shared.service import Service


def router(service: Service) -> APIRouter:
    routes = APIRouter(tags=["payments"])
    read, tokens = service.resources.read, service.resources.tokens

    @routes.get("/v1/payments/cases")
    async def cases(authorization: Authorization = "") -> dict[str, Any]:
        """Money that a person must look at."""
        tokens.principal(authorization, "operator")
        found = await store.cases(read)
        return {"cases": [{"order_id": p.order_id, "seller": p.seller, "cases": _cases(p)} for p in found]}

    path = "/v1/payments/{order_id}/cases/{number}/close"

    @routes.post(path, response_model=LeftOpen, openapi_extra=body_of(Closing))
    async def close(
        order_id: str, number: int, request: Request, authorization: Authorization = "", once: Once = ""
    ) -> Response:
        """Say that a case is settled, and how; no money moves by it. For operators."""
        principal = tokens.principal(authorization, "operator")
        raw = await read_body(request)
        note = parsed(Closing, raw).note
        await store.payment(read, order_id, principal)
        content = CaseClosed(OrderId(order_id), number, note, principal.name)
        return await take_once(service.reception, (order_id, str(number)), once, content, raw)

    @routes.get("/v1/payments/{order_id}")
    @routes.get("/v1/orders/{order_id}/money")
    async def money(order_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """One order's attempts, charges, refunds and journals, and what is being asked of its provider.

        Amounts in minor units, debit positive. A provider that is away shows as a call with its tries and its error.
        """
        principal = tokens.principal(authorization, "operator", "seller")
        payment = await store.payment(read, order_id, principal)
        more = {"journals": await store.journals(read, order_id), "calls": await store.calls(read, order_id)}
        return view(payment) | more

    @routes.get("/v1/ledger/trial-balance")
    async def trial_balance(authorization: Authorization = "") -> dict[str, Any]:
        """Every account's sum per currency, and the total over all of them: zero, or the books are wrong."""
        tokens.principal(authorization, "operator")
        return {"accounts": await store.trial_balance(read), "total": await store.grand_total(read)}

    return routes


def view(payment: Payment) -> dict[str, Any]:
    """For people and scripts; nothing personal is in it."""
    declaration = payment.declaration
    return {
        "order_id": payment.order_id,
        "seller": payment.seller,
        "attempts": [
            {
                "attempt": each.number, "provider": each.provider, "out_trade_no": each.out_trade_no,
                "state": each.state, "amount": each.amount, "expires_at": each.expires_at,
            }
            for each in payment.attempts
        ],
        "charges": payment.charges,
        "refunds": [
            {
                "out_refund_no": each.number, "refund_id": each.refund_id or None, "state": each.state,
                "amount": each.task.amount, "stalled": each.stalled, "provider": each.task.provider,
                "asked_at": each.asked_at, "reason": each.task.reason,
            }
            for each in payment.refunds
        ],
        "declaration": {
            "state": declaration.state, "transaction_id": declaration.task.transaction_id,
            "identity_check": declaration.identity_check, "explanation": declaration.explanation,
        } if declaration else None,
        "escrow": payment.book.escrow if payment.book else None,
        "released": bool(payment.book and payment.book.released),
        "cases": _cases(payment),
        "closed_cases": [
            {"number": number, "code": case.what, "note": case.note, "by": case.closed_by, "at": case.closed_at}
            for number, case in enumerate(payment.cases, 1) if case.closed_at
        ],
    }  # fmt: skip


def _cases(payment: Payment) -> list[dict[str, Any]]:
    """The open ones, by the number that closes them."""
    return [
        {"number": number, "what": case.what, "detail": case.detail, "at": case.at}
        for number, case in payment.open_cases
    ]
