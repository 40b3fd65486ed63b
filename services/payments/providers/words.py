"""What a provider says, as the values that payments decides on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from services.payments.commands import DeclarationNews, DeclarationWord, Paid, RefundNews, RefundWord
from services.payments.providers.base import Capture, CustomsAnswer, DeclarationState, Refund, RefundState
from shared.errors import Unrecognised

Word = TypeVar("Word")

REFUND_WORDS: Final[dict[RefundState, RefundWord]] = {
    RefundState.PROCESSING: "processing",
    RefundState.SUCCEEDED: "succeeded",
    RefundState.CLOSED: "closed",
    RefundState.ABNORMAL: "abnormal",
}
DECLARATION_WORDS: Final[dict[DeclarationState, DeclarationWord]] = {
    DeclarationState.PENDING: "pending",
    DeclarationState.ACCEPTED: "accepted",
    DeclarationState.REFUSED: "refused",
    DeclarationState.LOST: "lost",
}


def known(words: Mapping[str, Word], word: str, what: str) -> Word:
    """What a vendor's word stands for; one that is not in its table is Unrecognised, never a guess."""
    try:
        return words[word]
    except KeyError as error:
        raise Unrecognised(what, word) from error


def paid_of(capture: Capture, evidence: str) -> Paid:
    """Who paid stays behind: customs is told by the provider, and nobody else asks."""
    return Paid(capture.out_trade_no, capture.transaction_id, capture.amount, capture.paid_at, evidence)


def refund_of(refund: Refund) -> RefundNews:
    return RefundNews(refund.out_refund_no, refund.amount, REFUND_WORDS[refund.state])


def declaration_of(answer: CustomsAnswer, evidence: str) -> DeclarationNews:
    return DeclarationNews(
        DECLARATION_WORDS[answer.state], answer.order_no, answer.pay_code, answer.pay_name, answer.pay_transaction_id,
        answer.clearing_transaction_id, answer.amount, answer.identity_check.value, answer.ver_dept,
        answer.explanation, evidence,
    )  # fmt: skip
