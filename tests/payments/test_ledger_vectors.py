"""Every ledger case of the vectors folder, replayed fact by fact: postings, told amounts, final balances."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.payments import ledger, refunds, settlement
from services.payments.ledger import Book, Booked, Journal, Parties, Parts, Posting, Terms
from services.payments.settlement import Advance, Pause
from shared.money import Money

Case = dict[str, Any]
Told = tuple[list[Posting], dict[str, Any]]
RATES = ("payment_fee", "commission", "agent", "service")
PARTS = {"goods": "goods", "freight": "freight", "tax": "tax", "platform_discount": "coupon"}
PARTS |= {"seller_discount": "seller_coupon"}


def cases() -> list[Case]:
    file = Path(os.environ.get("CORRIDOR_VECTORS", "tests/vectors")) / "corridor" / "ledger.json"
    return list(json.loads(file.read_text("utf-8"))["cases"])


class Replay:
    """One case's books: an order, its seller's balances over all journals, an advance."""

    def __init__(self, case: Case) -> None:
        order, config = case.get("order", {}), case["config"]
        self.currency = order.get("currency", "CNY")
        rates = {name: Decimal(config.get(name, "0")) for name in RATES}
        returned, refundable = bool(config.get("fee_returned", True)), bool(config.get("service_refundable", False))
        terms = Terms(fee_returned=returned, service_refundable=refundable, **rates)
        names = {name: order[name] for name in Parties.__slots__ if name in order}
        self.book = Book.opened(
            Parties(**({"order_id": "", "seller": "", "provider": ""} | names)), terms, self.currency
        )
        self.advance: Advance | None = None
        self.postings = [self.posting(line) for line in case.get("opening", [])]

    def posting(self, line: dict[str, Any]) -> Posting:
        return Posting(line["account"], Money(line["amount"], line["currency"]))

    def play(self, event: dict[str, Any]) -> Told:
        """The postings of one event and what it told."""
        handlers: dict[str, Callable[[dict[str, Any]], Told]] = {
            "capture": lambda told: self.booked(ledger.capture_and_hold(self.book, "f", self.parts(told))),
            "dispatch": lambda told: self.booked(
                ledger.dispatch_cost(self.book, "f", self.money(told["freight_cost"]))
            ),
            "customs_released": lambda _told: self.booked(ledger.customs_released(self.book, "f")),
            "tax_paid": lambda _told: self.booked(ledger.tax_bill_paid(self.book, "f")),
            "release": lambda _told: self.booked(ledger.release(self.book, "f", self.owed)),
            "refund": lambda told: self.booked(refunds.refund(self.book, "f", self.parts(told), self.owed)),
            "group_failed": lambda _told: self.booked(refunds.refund_all(self.book, "f", self.owed)),
            "close": lambda _told: self.booked(ledger.close_after_full_refund(self.book, "f", self.owed)),
            "deposit_forfeited": lambda _told: self.booked(ledger.deposit_forfeited(self.book, "f")),
            "chargeback_opened": lambda told: self.booked(
                refunds.chargeback_opened(self.book, "f", self.money(told["fee"]))
            ),
            "chargeback_won": lambda _told: self.booked(refunds.chargeback_won(self.book, "f")),
            "chargeback_lost": lambda _told: self.booked(refunds.chargeback_lost(self.book, "f", self.owed)),
            "debt_netted": self.debt_netted,
            "own_funds_in": lambda told: self.journal(
                settlement.own_funds_in("f", told["seller"], self.money(told["amount"]))
            ),
            "purchase_settled": lambda told: self.journal(
                settlement.purchase_settled("f", told["seller"], told["from"], self.money(told["amount"]))
            ),
            "advance_disbursed": self.advance_disbursed,
            "advance_repaid": self.advance_repaid,
            "payout_fx": self.payout_fx,
            "hold_timer": hold_timer,
            "markup_equivalence": self.markup,
        }
        postings, told = handlers[event["type"]](event["input"])
        self.postings += postings
        return postings, told

    @property
    def owed(self) -> Money:
        return self.balance("seller", debit=False)

    def balance(self, account: str, *, debit: bool) -> Money:
        minor = ledger.balances(self.postings).get(f"{account}/{self.book.parties.seller}", {}).get(self.currency, 0)
        return self.money(minor if debit else -minor)

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)

    def parts(self, told: dict[str, Any]) -> Parts:
        return Parts.of(self.currency, **{part: told[name] for name, part in PARTS.items() if name in told})

    def booked(self, booked: Booked) -> Told:
        self.book = booked.book
        return list(booked.journal.postings), {name: amount.minor for name, amount in booked.told.items()}

    def journal(self, journal: Journal) -> Told:
        return list(journal.postings), {}

    def debt_netted(self, _told: dict[str, Any]) -> Told:
        debt = self.balance("seller_debt", debit=True)
        postings, _ = self.journal(settlement.debt_netted("f", self.book.parties.seller, self.owed, debt))
        return postings, {"amount": postings[0].amount.minor}

    def advance_disbursed(self, told: dict[str, Any]) -> Told:
        self.advance = Advance(told["seller"], self.money(told["principal"]), Decimal(told["daily_rate"]))
        return self.journal(settlement.advance_disbursed("f", self.advance))

    def advance_repaid(self, told: dict[str, Any]) -> Told:
        assert self.advance is not None
        postings, _ = self.journal(settlement.advance_repaid("f", self.advance, told["days"]))
        return postings, {"fee": -postings[1].amount.minor, "principal": -postings[2].amount.minor}

    def payout_fx(self, told: dict[str, Any]) -> Told:
        rates = {"locked": Decimal(told["locked_rate"]), "executed": Decimal(told["executed_rate"])}
        amount = Money(told["amount"], told["from"])
        done = settlement.payout_fx("f", self.book.parties.seller, amount, told["to"], **rates)
        result = {"paid_out": done.paid_out.minor, "received_from_bank": done.from_bank.minor}
        return list(done.journal.postings), result | {"fx_result": (done.from_bank - done.paid_out).minor}

    def markup(self, told: dict[str, Any]) -> Told:
        bought = self.money(told["purchase_price"])
        priced = settlement.marked_up(bought, Decimal(told["markup"]), Decimal(told["cost_share"]))
        amounts = {"sale_price": priced.sale_price, "cost_budget": priced.cost_budget, "agent_margin": priced.margin}
        shares = {
            "origin_share_of_sale_bp": priced.origin_share_bp,
            "equivalent_commission_bp": priced.equivalent_commission_bp,
        }
        return [], {name: amount.minor for name, amount in amounts.items()} | shares


def hold_timer(told: dict[str, Any]) -> Told:
    at = datetime.fromisoformat
    pauses = [Pause(at(pause["from"]), at(pause["to"])) for pause in told["pauses"]]
    due = settlement.release_due(at(told["delivered_at"]), timedelta(days=told["hold_days"]), pauses)
    return [], {"release_due": due and due.isoformat()}


def as_told(postings: list[Posting]) -> Counter[tuple[str, str, int]]:
    return Counter((posting.account, posting.amount.currency, posting.amount.minor) for posting in postings)


@pytest.mark.parametrize("case", cases(), ids=[case["id"] for case in cases()])
def test_a_case_books_what_it_expects(case: Case) -> None:
    replay = Replay(case)
    for event in case["events"]:
        postings, told = replay.play(event)
        expected = dict(event["expect"])
        assert as_told(postings) == as_told([replay.posting(line) for line in expected.pop("postings")])
        assert {name: told.get(name) for name in expected} == expected

    left: dict[str, dict[str, int]] = {line["account"]: {} for line in case["balances"]}
    for line in case["balances"]:
        left[line["account"]][line["currency"]] = line["amount"]
    assert ledger.balances(replay.postings) == left


@pytest.mark.parametrize(
    "case", [case for case in cases() if "markup" in case["config"] and "expect" in case], ids=lambda case: case["id"]
)
def test_an_agent_who_resells_gains_what_the_case_expects(case: Case) -> None:
    bought = next(event for event in case["events"] if event["type"] == "purchase_settled")
    config, expect = case["config"], case["expect"]
    price = Money(bought["input"]["amount"], "CNY")

    priced = settlement.marked_up(price, Decimal(config["markup"]), Decimal(config["cost_share"]))
    earned = next(event for event in case["events"] if event["type"] == "release")["expect"]["to_seller"]

    assert priced.sale_price.minor == expect["sale_price"]
    assert priced.cost_budget.minor == expect["cost_budget_10pct"]
    assert priced.margin.minor == expect["agent_margin_before_platform"]
    assert earned - price.minor == expect["agent_gain"]


@pytest.mark.parametrize(
    "case", [case for case in cases() if "refund_split" in case.get("expect", {})], ids=lambda case: case["id"]
)
def test_an_order_paid_in_parts_is_refunded_to_each_payment(case: Case) -> None:
    paid = {
        event["input"]["part"]: Money(event["expect"]["paid"], "CNY")
        for event in case["events"]
        if event["type"] == "capture"
    }
    refund = next(event for event in case["events"] if event["type"] == "refund")

    split = refunds.split_refund(list(paid.values()), Money(refund["expect"]["to_buyer"], "CNY"))

    assert dict(zip(paid, (money.minor for money in split), strict=True)) == case["expect"]["refund_split"]
