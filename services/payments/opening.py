"""Attempts: asked for, opened, watched and closed. What their calls bring is money or the lack of it. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from services.payments import books
from services.payments.attempts import Attempt, State, Word
from services.payments.capturing import captured, returned, wanting
from services.payments.commands import CLOSE, OPEN, OpenAttempt, Paid, QrGiven, Shut, Unpaid, WatchAttempt
from services.payments.moving import moved, query
from services.payments.outcomes import ended
from services.payments.payment import Payment, Step
from services.payments.policy import QUERY_PLAN, SLOWLY, Policy
from shared.events.orders import PaymentCloseRequested, PaymentRequested
from shared.flow.decision import Outcome, Work
from shared.ids import out_trade_no

_SECOND = timedelta(seconds=1)


def requested(policy: Policy, payment: Payment, asked: PaymentRequested, now: datetime) -> Step:
    """A new attempt at the shop's provider: its number leads to this order before the provider hears of it."""
    if any(each.number == asked.attempt for each in payment.attempts):
        return Step(payment)
    number = out_trade_no(asked.order_id, asked.attempt)
    # The provider reads whole seconds; rounded down, a short window would be over before it began.
    expires_at = asked.expires_at.replace(microsecond=0) + (_SECOND if asked.expires_at.microsecond else timedelta(0))
    provider = policy.collecting(asked.shop).provider
    attempt = Attempt(asked.attempt, asked.part, number, asked.amount, asked.title, expires_at, provider=provider)
    known = replace(payment, shop=asked.shop, person=asked.person)
    if not wanting(payment):
        # Its money came meanwhile by an earlier attempt, and that is told already.
        return Step(known.with_attempt(replace(attempt, state=State.CLOSED)), aliases={number: asked.order_id})
    task = OpenAttempt(asked.order_id, asked.attempt, number, asked.amount, asked.title, expires_at, provider=provider)
    work = Work(OPEN, asked.order_id, now, task, str(asked.attempt))
    return Step(known.with_attempt(attempt), work=(work,), aliases={number: asked.order_id})


def close_requested(payment: Payment, asked: PaymentCloseRequested, now: datetime) -> Step:
    """What was paid is told as paid. A wrong amount that still waits for a person goes back at once."""
    attempt = payment.attempt(asked.attempt)
    step = moved(payment, attempt, Word.CLOSE, now)
    return step.then(lambda p: returned(p, now)) if attempt.state is State.MISPAID else step


# --- how calls end --------------------------------------------------------------------------------


def open_ended(policy: Policy, payment: Payment, task: OpenAttempt, outcome: Outcome, now: datetime) -> Step:
    attempt = payment.attempt(task.attempt)
    match outcome.result:
        case QrGiven(qr=qr, expires_at=expires_at, evidence=evidence):
            given = replace(attempt, qr=qr, expires_at=expires_at)
            step = moved(payment.with_attempt(given), given, Word.OPENED, now)
            return replace(step, puts=step.puts + books.evidence(task.order_id, f"open-{task.attempt}", evidence, now))
        case Paid() as paid:
            return captured(policy, payment, paid, now)
        case Shut():
            return moved(payment, attempt, Word.SHUT, now, "closed by the provider")
        case _:
            return _not_opened(payment, attempt, outcome, task, now)


def _not_opened(payment: Payment, attempt: Attempt, outcome: Outcome, task: OpenAttempt, now: datetime) -> Step:
    how = ended(outcome.result)
    if how.unsure and attempt.state is State.ASKED:
        # It may be open: never a second number, never told as failed. Asked for again, slowly.
        work = Work(OPEN, task.order_id, now + SLOWLY, replace(task, again=True), outcome.name)
        return Step(payment.noting("open_unanswered", how.text, now), work=(work,))
    # What may be open and is no longer wanted is closed: that finds out.
    word = Word.OPENED if how.unsure and attempt.state is State.WITHDRAWING else Word.REFUSED
    return moved(payment, attempt, word, now, how.text, how.code)


def query_ended(policy: Policy, payment: Payment, task: WatchAttempt, outcome: Outcome, now: datetime) -> Step:
    attempt = payment.attempt(task.attempt)
    match outcome.result:
        case Paid() as paid:
            return captured(policy, payment, paid, now)
        case Shut():
            return moved(payment, attempt, Word.SHUT, now, "closed by the provider")
        case _:
            more = attempt.state is State.OPEN and task.round + 1 < len(QUERY_PLAN)
            return Step(payment, work=(query(payment, attempt, now, task.round + 1),) if more else ())


def close_ended(policy: Policy, payment: Payment, task: WatchAttempt, outcome: Outcome, now: datetime) -> Step:
    attempt = payment.attempt(task.attempt)
    match outcome.result:
        case Paid() as paid:
            return captured(policy, payment, paid, now)
        case Shut():
            return moved(payment, attempt, Word.SHUT, now)
        case Unpaid():
            return _close_again(payment, attempt, outcome, task, "the provider does not close it", now)
        case _:
            return _close_again(payment, attempt, outcome, task, ended(outcome.result).text, now)


def _close_again(
    payment: Payment, attempt: Attempt, outcome: Outcome, task: WatchAttempt, why: str, now: datetime
) -> Step:
    if attempt.state is not State.CLOSING:
        return Step(payment)
    # Nobody knows whether it can still be paid. Closing again does no harm.
    work = Work(CLOSE, task.order_id, now + SLOWLY, task, outcome.name)
    return Step(payment.noting("close_unanswered", why, now), work=(work,))


# --- what the provider tells by itself ----------------------------------------------------------------


def expired(payment: Payment, out_trade_no: str, now: datetime) -> Step:
    return moved(payment, payment.attempt_of(out_trade_no), Word.SHUT, now, "closed by the provider")
