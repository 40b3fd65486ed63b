"""How a call ended that brought no answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.errors import Unrecognised
from shared.flow.decision import Exhausted, Refused

# What a try that brought no answer means, for people; by the code that is kept with the call.
MEANINGS: Final[Mapping[str, str]] = {
    "payments.provider_busy": "the provider was not reached, or refused for now; nothing was done",
    "payments.provider_unanswered": "it was sent and not answered: the provider may have done it",
    "payments.provider_refused": "the provider said no",
    "payments.already_paid": "the buyer has paid it already",
    "payments.not_found": "the provider has no such trade or refund; nothing was done",
    "transient": "it failed on its way; the same again may succeed",
    "unknown": "nobody knows whether it was done; it is asked for",
}


def meaning(code: str) -> str | None:
    """None where there is no error; a code that has no sentence of its own is told as it is."""
    return MEANINGS.get(code, f"it failed: {code}") if code else None


@dataclass(frozen=True, slots=True)
class Ended:
    """`unsure`: the provider may have done it all the same."""

    unsure: bool
    code: str
    text: str


def ended(result: object) -> Ended:
    """A word that we do not know is no refusal: the call was answered, and we cannot say how."""
    match result:
        case Refused(code=code, message=message):
            return Ended(code == Unrecognised.code, code, message)
        case Exhausted(code=code, message=message, unknown=unknown):
            return Ended(unknown, code, message)
        case _:
            raise AssertionError(f"no call ends with {type(result).__name__} here")
