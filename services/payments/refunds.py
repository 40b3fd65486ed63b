"""Money on its way back to the buyer: refunds before and after release, and disputes. Pure; see `ledger.py`.

Reversals are cumulative: round(original × given back so far ÷ whole) − reversed so far, so that many small refunds
reverse exactly what one large one would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.payments.ledger import Book, Booked, Journal, Overdrawn, Parts, Shares, charged, proportion
from shared.money import Money


@dataclass(frozen=True, slots=True)
class _Back:
    """One amount given back, and where each unit of it comes from."""

    given: Parts
    coupon: Money
    to_buyer: Money
    from_escrow: Money
    from_tax: Money
    shares: Shares

    @property
    def from_seller(self) -> Money:
        shared = self.shares.commission + self.shares.service + self.shares.agent
        return self.to_buyer + self.coupon - self.from_escrow - self.from_tax - shared


def refund(book: Book, fact_id: str, given: Parts, seller_balance: Money) -> Booked:
    """Give parts back: from escrow before the release, from those who shared and from the seller after it.

    given: goods at the price that the coupon was counted on, freight, tax; the coupon's share goes back to the
    marketplace and not to the buyer. Tax that customs was already paid for cannot be given back here.
    seller_balance: what we owe the seller before this; what it cannot bear becomes debt.
    """
    if book.disputed:
        raise Overdrawn("in dispute: the buyer's bank decides")
    if given.tax.minor > (book.left.tax - book.passed + book.tax).minor:
        raise Overdrawn("the tax was paid to customs: it comes back only through a return declaration")
    back = _back(book, given)
    fee = _fee_back(book, back.to_buyer) if book.terms.fee_returned else book.nothing
    bears = back.from_seller - fee if book.released else back.from_seller
    lines = [
        *_source_lines(book, back),
        *charged(book.parties.seller, bears, seller_balance),
        (f"clearing/{book.parties.provider}", -back.to_buyer),
        (f"marketplace_receivable/{book.parties.marketplace}", -back.coupon),
        *fee_returned(book, fee),
    ]
    told = {"to_buyer": back.to_buyer, "coupon_share_back": back.coupon, "fee_returned": fee} | _shares_told(
        back, bears
    )
    costs = book.costs if book.released else book.costs - fee
    after = replace(_given(book, back), fee_back=book.fee_back + fee, costs=costs)
    return Booked(after, Journal.of(fact_id, lines), told)


def refund_all(book: Book, fact_id: str, seller_balance: Money) -> Booked:
    """Everything that was not given back yet (a group that did not form, a cancelled order)."""
    return refund(book, fact_id, everything_left(book), seller_balance)


def fee_returned(book: Book, fee: Money) -> list[tuple[str, Money]]:
    """The provider's fee in proportion; after release the seller has it, for the costs were recovered from there."""
    clearing = (f"clearing/{book.parties.provider}", fee)
    return [clearing] if book.released else [clearing, (f"costs/{book.parties.order_id}", -fee)]


def chargeback_opened(book: Book, fact_id: str, dispute_fee: Money) -> Booked:
    """The provider takes back all that the buyer paid and is not refunded, and its fee for the dispute."""
    amount = book.left.paid
    lines = [
        (_chargeback(book), amount),
        (f"costs/{book.parties.order_id}", dispute_fee),
        (f"clearing/{book.parties.provider}", -(amount + dispute_fee)),
    ]
    after = replace(book, disputed=book.disputed + amount, costs=book.costs + dispute_fee)
    return Booked(after, Journal.of(fact_id, lines), {"disputed": amount})


def chargeback_won(book: Book, fact_id: str) -> Booked:
    """The money is back in clearing; the dispute fee stays a cost and is recovered at release."""
    lines = [(f"clearing/{book.parties.provider}", book.disputed), (_chargeback(book), -book.disputed)]
    return Booked(replace(book, disputed=book.nothing), Journal.of(fact_id, lines), {})


def chargeback_lost(book: Book, fact_id: str, seller_balance: Money) -> Booked:
    """As a refund of everything, except that the bank has the money already and no payment fee comes back.

    Tax that customs was paid for is the seller's loss. All costs are the seller's too.
    """
    back = _back(book, everything_left(book))
    bears = charged(book.parties.seller, back.from_seller, seller_balance)
    lines = [
        *_source_lines(book, back),
        *bears,
        (_chargeback(book), -back.to_buyer),
        (f"marketplace_receivable/{book.parties.marketplace}", -back.coupon),
        *charged(book.parties.seller, book.costs, seller_balance - bears[0][1]),
        (f"costs/{book.parties.order_id}", -book.costs),
    ]
    told = {"to_buyer": back.to_buyer, "coupon_share_back": back.coupon, "fee_returned": book.nothing}
    told |= _shares_told(back, back.from_seller) | {"costs_charged_to_seller": book.costs}
    after = replace(_given(book, back), disputed=book.nothing, costs=book.nothing)
    return Booked(after, Journal.of(fact_id, lines), told)


def split_refund(paid: Sequence[Money], amount: Money) -> tuple[Money, ...]:
    """A refund of an order that was paid in parts, each part to its own payment.

    paid: what is left of each payment. In proportion to it, without losing a unit or exceeding any.
    """
    left = [money.minor for money in paid]
    if amount.minor > sum(left):
        raise Overdrawn("more than was paid")
    return amount.allocate(left)


def everything_left(book: Book) -> Parts:
    left = book.left
    return replace(left, goods=left.price, coupon=book.nothing, seller_coupon=book.nothing)


def _back(book: Book, given: Parts) -> _Back:
    left, goods = book.left, book.refunded.goods + given.goods
    if given.goods > left.price or given.freight > left.freight or given.tax > left.tax:
        raise Overdrawn("more than is left of goods, freight or tax")
    coupon = proportion(book.captured.coupon, goods, book.captured.price) - book.refunded.coupon
    to_buyer = given.held - coupon
    unpassed = min(given.tax, left.tax - book.passed)
    from_tax = min(given.tax - unpassed, book.tax)
    from_escrow = book.nothing if book.released else given.goods + given.freight + unpassed
    return _Back(given, coupon, to_buyer, from_escrow, from_tax, _shares_back(book, given.goods))


def _shares_back(book: Book, goods: Money) -> Shares:
    """Of commission, agent and service what belongs to these goods; the service's only where it is refundable."""
    taken, back = book.released, book.back
    if taken is None or back is None:
        return Shares(*(book.nothing,) * 4)
    base = back.base + goods
    service = proportion(taken.service, base, taken.base) if book.terms.service_refundable else book.nothing
    return Shares(
        goods,
        proportion(taken.commission, base, taken.base) - back.commission,
        service - back.service,
        proportion(taken.agent, base, taken.base) - back.agent,
    )


def _given(book: Book, back: _Back) -> Book:
    """The book without what was given back."""
    parts = replace(back.given, coupon=back.coupon)
    unpassed = min(back.given.tax, book.left.tax - book.passed)
    return replace(
        book,
        refunded=book.refunded + parts,
        tax=book.tax - back.from_tax,
        passed=book.passed - (back.given.tax - unpassed),
        back=_sum(book.back, back.shares),
    )


def _sum(one: Shares | None, other: Shares) -> Shares | None:
    if one is None:
        return None
    return Shares(*(getattr(one, name) + getattr(other, name) for name in Shares.__slots__))


def _fee_back(book: Book, to_buyer: Money) -> Money:
    return proportion(book.fee, book.refunded.paid + to_buyer, book.captured.paid) - book.fee_back


def _source_lines(book: Book, back: _Back) -> list[tuple[str, Money]]:
    who, shares = book.parties, back.shares
    return [
        (f"escrow/{who.order_id}", back.from_escrow),
        (who.tax_account, back.from_tax),
        (f"marketplace/{who.marketplace}", shares.commission),
        (f"service/{who.service}", shares.service),
        (f"agent/{who.agent}", shares.agent),
    ]


def _shares_told(back: _Back, bears: Money) -> dict[str, Money]:
    shares = back.shares
    return {
        "commission_back": shares.commission,
        "service_back": shares.service,
        "agent_back": shares.agent,
        "charged_to_seller": bears,
    }


def _chargeback(book: Book) -> str:
    return f"chargeback/{book.parties.order_id}"
