"""One order's money without a database: facts and answers in; facts, work and journals out, as the flow keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter

from services.payments import commands
from services.payments.books import EVIDENCE, JOURNAL, LINE, Line
from services.payments.commands import DeclarationNews, DeclarationWord, Paid, PaidTold, QrGiven, RefundNews, RefundTold
from services.payments.ledger import Terms
from services.payments.payment import PAYMENT, Payment
from services.payments.policy import Policy, ShopTerms
from services.payments.process import make_process
from shared.events import orders
from shared.events.base import Event
from shared.events.customs import AssessmentMade, DeclarationReleased, DeclarationWithdrawn
from shared.events.values import Amounts, DeclaredBy, OrderLine, Party, Sealed, Valuation
from shared.flow.decision import Decision, Early, Exhausted, Outcome, Refused, States, Work
from shared.ids import OrderId, out_trade_no
from shared.money import Money

NOW: Final = datetime(2026, 3, 1, 2, 15, 30, tzinfo=UTC)
ORDER: Final = OrderId("7d9f3f6e-0001-5000-8000-000000000001")
SELLER: Final = "highland-coop"
TOTAL: Final = Money(12900, "CNY")
PERSON: Final = Sealed("k1", "c2VhbGVk", "fingerprint", "张**")
_STATE: Final = TypeAdapter(Payment)
TERMS: Final = ShopTerms(
    SELLER, "wechat", "shopify", "cainiao", Terms(payment_fee=Decimal("0.006")), "GUANGZHOU_ZS", "3599TEST01"
)


# The seller's other shop, whose marketplace collects and declares.
CHANNEL_TERMS: Final = ShopTerms(
    SELLER, "xiaohongshu", "xiaohongshu", "cainiao",
    Terms(payment_fee=Decimal("0.007"), commission=Decimal("0.05")), "", "", collects=False,
)  # fmt: skip
SHOPS: Final = {"nairobi-roasters": TERMS, "savanna-red": CHANNEL_TERMS}


def yuan(minor: int) -> Money:
    return Money(minor, "CNY")


def number(attempt: int = 1) -> str:
    return out_trade_no(ORDER, attempt)


def paid(attempt: int = 1, minor: int = 12900, transaction: str = "T1") -> Paid:
    return Paid(number(attempt), transaction, yuan(minor), NOW, "sealed")


def qr() -> QrGiven:
    return QrGiven("weixin://one", NOW + timedelta(hours=2), "sealed")


NO: Final = Refused("payments.provider_refused", "no")
SILENCE: Final = Exhausted("payments.provider_unanswered", "nobody answered", unknown=True)
UNREACHED: Final = Exhausted("payments.provider_busy", "not reachable", unknown=False)


def declared(word: DeclarationWord, *, check: Any = "same", explanation: str = "") -> DeclarationNews:
    return DeclarationNews(
        word, number(), "4403169D3W", "财付通支付科技有限公司", "T1", "C1", TOTAL, check, "2", explanation, "sealed"
    )


@dataclass
class Till:
    """`says` is what the last item spoke; `work` what is on its way, by kind and name; `lines` every line booked."""

    policy: Policy = field(default_factory=lambda: Policy(SHOPS))
    now: datetime = NOW
    states: States = field(default_factory=States)
    work: dict[tuple[str, str], Work] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    journals: list[str] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)

    def hears(self, content: object) -> list[Event]:
        process = make_process(self.policy)
        answer = process.decide(self.states, content, self.now)
        assert isinstance(answer, Decision), answer
        self._take(answer)
        return list(answer.facts)

    def waits_with(self, content: object) -> str:
        answer = make_process(self.policy).decide(self.states, content, self.now)
        assert isinstance(answer, Early), answer
        return answer.reason

    def _take(self, decision: Decision) -> None:
        for name in decision.cancel:
            self.work.pop((name.kind, name.name), None)
        self.work |= {(work.kind, work.name): work for work in decision.work}
        self.aliases |= decision.aliases
        for put in decision.puts:
            match put.key:
                case (LINE.name, key):
                    assert key not in self.lines, "a line is written once"
                    assert isinstance(put.value, Line)
                    self.lines[key] = put.value
                case (JOURNAL.name, key):
                    assert key not in self.journals, "a journal is written once"
                    self.journals.append(key)
                case (PAYMENT.name, _):
                    # As the database gives it back.
                    assert isinstance(put.value, Payment)
                    again = _STATE.validate_json(_STATE.dump_json(put.value))
                    assert again == put.value
                    self.states.take((put,))
                case _:
                    assert put.key[0] == EVIDENCE.name

    @property
    def payment(self) -> Payment:
        found = self.states.get(PAYMENT, ORDER)
        assert found is not None
        return found

    @property
    def waiting(self) -> list[str]:
        """Kinds of work on their way."""
        return sorted(kind for kind, _ in self.work)

    def balances(self, what: str = "") -> dict[str, int]:
        sums: dict[str, int] = {}
        for line in self.lines.values():
            if what in ("", line.what):
                sums[line.account] = sums.get(line.account, 0) + line.amount.minor
        return {account: minor for account, minor in sums.items() if minor}

    def answers(self, kind: str, result: object) -> list[Event]:
        """The one call of this kind ends so."""
        [key] = [key for key in self.work if key[0] == kind]
        work = self.work.pop(key)
        return self.hears(Outcome(work.kind, work.lane, work.name, work.task, result))

    # --- the conversation -------------------------------------------------------------------------------------------

    def placed(self, inventory: Party = "self") -> list[Event]:
        """`inventory`: who declares it."""
        sold = OrderLine(1, "KE-COF-227", "Kenya AA 227 g", 1, TOTAL, TOTAL, yuan(0))
        return self.hears(
            orders.OrderPlaced(
                order_id=ORDER, seller=SELLER, connection="c", shop="nairobi-roasters", channel="shopify",
                external_id="1", flow="coffee-bonded", direction="sale", kind="normal", collected_by="self",
                declared_by=DeclaredBy("self", "partner", "partner", inventory), warehouse="fz-bonded", lines=(sold,),
                amounts=Amounts(TOTAL, yuan(0), yuan(0), None, tax_included=True, total=TOTAL), person=PERSON,
                recipient=PERSON, recipient_version=1, placed_at=self.now,
            )
        )  # fmt: skip

    def asked(self, attempt: int = 1, seconds: float = 7200, shop: str = "nairobi-roasters") -> list[Event]:
        return self.hears(
            orders.PaymentRequested(
                order_id=ORDER, seller=SELLER, part="whole", attempt=attempt, amount=TOTAL, title="Kenya AA 227 g",
                shop=shop, person=PERSON, expires_at=NOW + timedelta(seconds=seconds),
            )
        )  # fmt: skip

    def opened(self, attempt: int = 1) -> list[Event]:
        self.asked(attempt)
        return self.answers(commands.OPEN, qr())

    def captured(self, attempt: int = 1, minor: int = 12900, transaction: str = "T1") -> list[Event]:
        return self.hears(PaidTold(ORDER, paid(attempt, minor, transaction)))

    def closes(self, attempt: int = 1) -> list[Event]:
        return self.hears(orders.PaymentCloseRequested(order_id=ORDER, seller=SELLER, attempt=attempt))

    def assessed(self, goods: int = 11824, tax: int = 1076, freight: int = 0) -> list[Event]:
        split = Valuation(1, *map(yuan, (goods, freight, 0, 0, tax, goods + freight + tax)))
        return self.hears(AssessmentMade(order_id=ORDER, seller=SELLER, valuation=split, findings=()))

    def customs_released(self, version: int = 1) -> list[Event]:
        return self.hears(self._customs_released(version))

    def _customs_released(self, version: int) -> DeclarationReleased:
        return DeclarationReleased(
            order_id=ORDER, seller=SELLER, role="import", attempt=1, dossier_version=version, at=self.now
        )

    def releases(self) -> list[Event]:
        return self.hears(orders.FundsReleaseAuthorised(order_id=ORDER, seller=SELLER))

    def refunds(self, minor: int = 12900, refund_id: str = "whole-1", **more: Any) -> list[Event]:
        fact = orders.RefundRequested(
            order_id=ORDER, seller=SELLER, refund_id=refund_id, amount=yuan(minor), reason="buyer"
        )
        return self.hears(fact.model_copy(update=more))

    def observed(self, minor: int = 12900, number: str = "X1", shop: str = "") -> list[Event]:
        """The channel shows the order as paid."""
        return self.hears(
            orders.PaymentObserved(
                order_id=ORDER, seller=SELLER, amount=yuan(minor), method="alipay", external_no=number,
                customs_no="C1", paid_at=NOW, shop=shop,
            )
        )  # fmt: skip

    def withdrawn(self) -> list[Event]:
        return self.hears(
            DeclarationWithdrawn(order_id=ORDER, seller=SELLER, role="import", attempt=1, kind="return", at=self.now)
        )

    @property
    def open_cases(self) -> list[str]:
        return [case.what for _, case in self.payment.open_cases]

    def refund_news(self, word: commands.RefundWord, refund: int = 0, minor: int | None = None) -> list[Event]:
        task = self.payment.refunds[refund].task
        amount = task.amount if minor is None else yuan(minor)
        return self.hears(RefundTold(ORDER, RefundNews(task.out_refund_no, amount, word)))


def names(facts: list[Event]) -> list[str]:
    """What was said, by type, without the topic's first word."""
    return [fact.type.removeprefix("payments.") for fact in facts]
