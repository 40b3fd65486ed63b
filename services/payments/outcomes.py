"""How a call ended that brought no answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import Unrecognised
from shared.flow.decision import Exhausted, Refused


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
