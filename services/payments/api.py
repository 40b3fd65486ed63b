"""What operators and sellers ask of payments. Reads only: money moves by facts and by the provider's word."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header

from services.payments import store
from services.payments.payment import Payment
from shared.service import Service

Authorization = Annotated[str, Header()]


def router(service: Service) -> APIRouter:
    routes = APIRouter(tags=["payments"])
    read, tokens = service.resources.read, service.resources.tokens

    @routes.get("/v1/orders/{order_id}/money")
    async def money(order_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """One order's attempts, charges, refunds and journals. Amounts in minor units, debit positive."""
        principal = tokens.principal(authorization, "operator", "seller")
        payment = await store.payment(read, order_id, principal)
        return view(payment) | {"journals": await store.journals(read, order_id)}

    @routes.get("/v1/ledger/trial-balance")
    async def trial_balance(authorization: Authorization = "") -> dict[str, Any]:
        """Every account's sum per currency, and the total over all of them: zero, or the books are wrong."""
        tokens.principal(authorization, "operator")
        return {"accounts": await store.trial_balance(read), "total": await store.grand_total(read)}

    @routes.get("/v1/payments/cases")
    async def cases(authorization: Authorization = "") -> dict[str, Any]:
        """Money that a person must look at."""
        tokens.principal(authorization, "operator")
        found = await store.cases(read)
        return {"cases": [{"order_id": p.order_id, "seller": p.seller, "cases": p.cases} for p in found]}

    return routes


def view(payment: Payment) -> dict[str, Any]:
    """For people and scripts; nothing personal is in it."""
    declaration = payment.declaration
    return {
        "order_id": payment.order_id,
        "seller": payment.seller,
        "attempts": [
            {
                "attempt": each.number, "out_trade_no": each.out_trade_no, "state": each.state, "amount": each.amount,
                "expires_at": each.expires_at,
            }
            for each in payment.attempts
        ],
        "charges": payment.charges,
        "refunds": [
            {
                "out_refund_no": each.number, "refund_id": each.refund_id or None, "state": each.state,
                "amount": each.task.amount, "stalled": each.stalled,
            }
            for each in payment.refunds
        ],
        "declaration": {
            "state": declaration.state, "transaction_id": declaration.task.transaction_id,
            "identity_check": declaration.identity_check, "explanation": declaration.explanation,
        } if declaration else None,
        "escrow": payment.book.escrow if payment.book else None,
        "released": bool(payment.book and payment.book.released),
        "cases": payment.cases,
    }  # fmt: skip
