"""The payment provider, whichever it is: its own books of every charge and refund, told as canonical values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from services.payments import commands
from services.payments.commands import (
    DeclarationNews,
    DeclarationWord,
    DeclarePayment,
    NotDeclared,
    OpenAttempt,
    Paid,
    PaidTold,
    QrGiven,
    RefundNews,
    RefundTold,
    RefundWord,
    SendBack,
    Shut,
    Unpaid,
    WatchAttempt,
)
from shared.ids import OrderId
from shared.money import Money
from tests.flows.partners.base import AT_ONCE, Answered, Says

PAY_CODE, PAY_NAME = "4403169D3W", "财付通支付科技有限公司"
Check = Literal["same", "different", "unknown"]
ASKING: Final = (commands.QUERY, commands.REFUND_CHECK, commands.DECLARE_CHECK)


@dataclass(frozen=True, slots=True)
class Trade:
    """`charges`: number → amount; two of them are a buyer who paid twice."""

    order_id: OrderId
    out_trade_no: str
    amount: Money
    expires_at: datetime
    open: bool = True
    charges: Mapping[str, Money] = field(default_factory=dict)

    def paid(self, at: datetime) -> Paid:
        number, amount = next(iter(self.charges.items()))
        return Paid(self.out_trade_no, number, amount, at, "sealed")


@dataclass(frozen=True, slots=True)
class Habits:
    """pays: the buyer scans the QR as soon as it is there. open_takes: how slow the answer of create is.

    identity: whether payer and buyer are one, by attempt; the last stays.
    """

    pays: bool = True
    open_takes: timedelta = AT_ONCE
    refunds: RefundWord = "succeeded"
    declares: tuple[DeclarationWord, ...] = ("accepted",)
    identity: tuple[Check, ...] = ("same",)


@dataclass(frozen=True, slots=True)
class Bank:
    habits: Habits = field(default_factory=Habits)
    trades: Mapping[str, Trade] = field(default_factory=dict)
    refunds: Mapping[str, SendBack] = field(default_factory=dict)
    declared: Mapping[str, int] = field(default_factory=dict)
    asked: tuple[str, ...] = ()

    @property
    def timers(self) -> frozenset[str]:
        return frozenset()

    def call(self, kind: str, task: object, now: datetime) -> Answered:
        """Questions are not counted in `asked`: it is what we wanted done."""
        bank = self if kind in ASKING else replace(self, asked=(*self.asked, kind))
        match task:
            case OpenAttempt():
                return bank._open(task, now)
            case WatchAttempt() if kind == commands.CLOSE:
                return bank._close(task, now)
            case WatchAttempt():
                return Answered(bank, bank._state(task, now))
            case SendBack():
                return bank._refund(task)
            case DeclarePayment():
                return bank._declare(task, now)
            case _:
                raise AssertionError(f"the provider does not know {kind}")

    # --- charges ------------------------------------------------------------------------------------------------------

    def _open(self, task: OpenAttempt, now: datetime) -> Answered:
        """The same number again is the same trade."""
        fresh = Trade(task.order_id, task.out_trade_no, task.amount, task.expires_at)
        trade = self.trades.get(task.out_trade_no, fresh)
        bank = self._having(trade)
        says: tuple[Says, ...] = ()
        if self.habits.pays and not trade.charges:
            bank, says = bank.charged(task.out_trade_no, now)
        return Answered(bank, QrGiven("weixin://one", task.expires_at, "sealed"), says, self.habits.open_takes)

    def charged(self, out_trade_no: str, now: datetime, short_by: int = 0) -> tuple[Bank, tuple[Says, ...]]:
        """The buyer pays, once more or even after closing; `short_by` fen less than was asked."""
        trade = self.trades[out_trade_no]
        number, amount = f"T{out_trade_no}-{len(trade.charges) + 1}", trade.amount - Money(short_by, "CNY")
        after = replace(trade, charges={**trade.charges, number: amount})
        told = PaidTold(trade.order_id, Paid(out_trade_no, number, amount, now, "sealed"))
        return self._having(after), (Says(told),)

    def _having(self, trade: Trade) -> Bank:
        return replace(self, trades={**self.trades, trade.out_trade_no: trade})

    def _state(self, task: WatchAttempt, now: datetime) -> Paid | Unpaid | Shut:
        trade = self.trades.get(task.out_trade_no)
        if trade is None:
            return Unpaid()
        if trade.charges:
            return trade.paid(now)
        return Unpaid() if trade.open and now < trade.expires_at else Shut()

    def _close(self, task: WatchAttempt, now: datetime) -> Answered:
        trade = self.trades.get(task.out_trade_no)
        if trade is None or trade.charges:
            return Answered(self, Shut() if trade is None else trade.paid(now))
        return Answered(self._having(replace(trade, open=False)), Shut())

    # --- refunds and documents ----------------------------------------------------------------------------------------

    def _refund(self, task: SendBack) -> Answered:
        """One refund per number; answered as on its way, and told at the door when it is over."""
        bank = replace(self, refunds={**self.refunds, task.out_refund_no: task})
        news = RefundNews(task.out_refund_no, task.amount, self.habits.refunds)
        if self.habits.refunds != "succeeded":
            return Answered(bank, news)
        return Answered(bank, replace(news, word="processing"), (Says(RefundTold(task.order_id, news)),))

    def _declare(self, task: DeclarePayment, now: datetime) -> Answered:
        times = self.declared.get(task.out_trade_no, 0)
        words = self.habits.declares
        if not words:
            return Answered(self, NotDeclared())
        news = DeclarationNews(
            words[min(times, len(words) - 1)], task.out_trade_no, PAY_CODE, PAY_NAME, task.transaction_id, "C1",
            task.amount, self._identity(task.out_trade_no), "2", "", "sealed",
        )  # fmt: skip
        return Answered(replace(self, declared={**self.declared, task.out_trade_no: times + 1}), news)

    def _identity(self, out_trade_no: str) -> Check:
        attempt = int(out_trade_no.rpartition("A")[2])
        return self.habits.identity[min(attempt, len(self.habits.identity)) - 1]

    # --- its books ----------------------------------------------------------------------------------------------------

    def balance(self, order_id: str) -> int:
        """Minor units that it has of an order's buyer: charged and not sent back."""
        charged = sum(m.minor for t in self.trades.values() if t.order_id == order_id for m in t.charges.values())
        return charged - sum(refund.amount.minor for refund in self.refunds.values() if refund.order_id == order_id)

    def movements(self, order_id: str) -> list[str]:
        charges = [m for t in self.trades.values() if t.order_id == order_id for m in t.charges.values()]
        backs = [refund.amount for refund in self.refunds.values() if refund.order_id == order_id]
        return [f"charge {each.major()}" for each in charges] + [f"refund {each.major()}" for each in backs]
