"""The payment document: the provider is asked to declare what it collected, and asked until customs has it. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from services.payments import books
from services.payments.commands import (
    DECLARE,
    DECLARE_CHECK,
    DECLARE_PUSH,
    DeclarationNews,
    DeclarePayment,
    NotDeclared,
)
from services.payments.outcomes import ended
from services.payments.payment import Declaration, Papers, Payment, Step
from services.payments.policy import DECLARE_PLAN, SLOWLY, Policy, ShopTerms
from shared.events import payments as facts
from shared.flow.decision import Outcome, Work

SETTLED: Final = (Papers.ACCEPTED, Papers.REFUSED)
BUSY: Final = "payments.provider_busy"  # every try was refused for now: the content is not what is wrong


def start(shop: ShopTerms, payment: Payment, provider: str, now: datetime) -> Step:
    """Where the profile says that our provider declares; the first answer only brings the numbers."""
    held = payment.held
    if held is None or not shop.place:
        return Step(payment)
    task = DeclarePayment(
        payment.order_id, held.out_trade_no, held.transaction_id, shop.place, shop.merchant_customs_no, held.amount,
        payment.person, provider, shop.merchant_customs_name,
    )  # fmt: skip
    asked = replace(payment, declaration=Declaration(task, held.paid_at))
    return Step(asked, work=(Work(DECLARE, payment.order_id, now, task, held.transaction_id),))


def declare_ended(policy: Policy, payment: Payment, task: DeclarePayment, outcome: Outcome, now: datetime) -> Step:
    """The answer to the declaration, to a question about it, or to pushing it again."""
    declaration = payment.declaration
    if declaration is None or declaration.task.transaction_id != task.transaction_id or declaration.state in SETTLED:
        return Step(payment)
    match outcome.result:
        case DeclarationNews() as news:
            return _told(policy, payment, declaration, news, now)
        case NotDeclared():
            return _next(policy, payment, declaration, DECLARE, now)
        case _:
            return _unanswered(payment, declaration, outcome, now)


def _told(policy: Policy, payment: Payment, before: Declaration, news: DeclarationNews, now: datetime) -> Step:
    declaration = _learned(before, news)
    what = f"declaration-{before.task.transaction_id}-{before.checks}"
    proof = books.evidence(payment.order_id, what, news.evidence, now)
    match news.word:
        case "accepted":
            step = _accepted(payment, replace(declaration, state=Papers.ACCEPTED), news)
        case "refused":
            reason = news.explanation or "customs refused the payment document"
            step = _refused(payment, declaration, "payments.declaration_refused", reason)
        case "lost":
            step = _next(policy, payment, declaration, DECLARE_PUSH, now)
        case "pending":
            step = _next(policy, payment, declaration, DECLARE_CHECK, now)
        case _:
            assert_never(news.word)
    return replace(step, puts=step.puts + proof)


def _learned(before: Declaration, news: DeclarationNews) -> Declaration:
    """What a later answer leaves out, an earlier one told."""
    told = news.identity_check if news.identity_check != "unknown" else before.identity_check
    return replace(
        before, identity_check=told, explanation=news.explanation[:300],
        clearing_transaction_id=news.clearing_transaction_id or before.clearing_transaction_id,
        pay_code=news.pay_code or before.pay_code, ver_dept=news.ver_dept or before.ver_dept,
        pay_transaction_id=before.pay_transaction_id or news.pay_transaction_id,
    )  # fmt: skip


def _accepted(payment: Payment, declaration: Declaration, news: DeclarationNews) -> Step:
    fact = facts.PaymentDeclared(
        order_id=payment.order_id, seller=payment.seller, order_no=news.order_no, pay_code=declaration.pay_code,
        pay_name=news.pay_name, pay_transaction_id=declaration.pay_transaction_id, amount=news.amount,
        identity_check=declaration.identity_check or "unknown", ver_dept=declaration.ver_dept,
        paid_at=declaration.paid_at,
    )  # fmt: skip
    return Step(replace(payment, declaration=declaration), (fact,))


def _refused(payment: Payment, declaration: Declaration, code: str, reason: str) -> Step:
    fact = facts.PaymentDeclarationRefused(
        order_id=payment.order_id, seller=payment.seller, code=code, reason=reason[:300]
    )
    return Step(replace(payment, declaration=replace(declaration, state=Papers.REFUSED)), (fact,))


def _next(policy: Policy, payment: Payment, declaration: Declaration, kind: str, now: datetime) -> Step:
    due = policy.check(now, DECLARE_PLAN, declaration.checks)
    waiting = replace(declaration, state=Papers.PENDING, checks=declaration.checks + 1)
    work = Work(kind, payment.order_id, due, declaration.task, declaration.task.transaction_id)
    return Step(replace(payment, declaration=waiting), work=(work,))


def _unanswered(payment: Payment, declaration: Declaration, outcome: Outcome, now: datetime) -> Step:
    """A no to the declaration itself is final. Otherwise the same content again, slowly: a repetition is harmless."""
    how = ended(outcome.result)
    if outcome.kind == DECLARE and not how.unsure and how.code != BUSY:
        return _refused(payment, declaration, how.code, how.text)
    work = Work(DECLARE, payment.order_id, now + SLOWLY, declaration.task, declaration.task.transaction_id)
    return Step(payment.noting("declaration_unanswered", how.text, now), work=(work,))
