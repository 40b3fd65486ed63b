"""Failures by what may be done about them. The code is stable and public; the message is for people."""

from __future__ import annotations

import hashlib
import re
from typing import ClassVar, Final

_CODE: Final = re.compile(r"[0-9A-Za-z_.,:/{}-]{0,48}", re.ASCII)
_LONG_NUMBER: Final = re.compile(r"[0-9](?:[_.,:/-]?[0-9]){5}", re.ASCII)
_RETURN_CODE: Final = re.compile(r"-[0-9]{1,6}", re.ASCII)


class Failure(Exception):
    """Every failure that this project names. Anything else that is raised is a bug."""

    code: ClassVar[str] = "failure"


class Transient(Failure):
    """The same attempt may succeed later: back off, keep the order of the key."""

    code = "transient"


class Permanent(Failure):
    """Trying again cannot help: dead-letter it, or answer 4xx."""

    code = "permanent"


class Unknown(Failure):
    """The outside may have done it: resolved as the kind of work says (query, identical resend, a person)."""

    code = "unknown"


class BadInput(Permanent):
    """What came in cannot be read: `where` names the field or offset, `fix` says what to send instead."""

    code = "input.malformed"

    def __init__(self, message: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.where, self.fix = where, fix


class SignatureRefused(Permanent):
    """Not authentic, for whatever reason: one error for every bad signature, header, key id or timestamp.

    `reason` is for our own counters and logs; it is never told to the sender.
    """

    code = "signature.refused"

    def __init__(self, reason: str) -> None:
        super().__init__("the signature was not accepted")
        self.reason = reason


class Stale(SignatureRefused):
    """Authentic perhaps, but its timestamp lies outside the window that the partner's scheme sets."""

    code = "signature.stale"


class Unrecognised(Permanent):
    """Authentic and readable, but it says a word that we do not know (a status, a type, a currency): never guessed.

    It is acknowledged, stored raw and quarantined for a person.
    """

    code = "input.unrecognised"

    def __init__(self, what: str, value: str) -> None:
        super().__init__(f"unknown {what}: {told(value)!r}")
        self.what, self.value = what, value


def told(value: str) -> str:
    """A word of somebody else's as our texts may repeat it: those go to logs, receipts, dead letters and operators.

    Only what looks like a code stays; what may be a person, a phone, an order or a card (other letters, spaces, six
    digits or more, also with marks between them) becomes a digest, by which it can still be found. Customs' negative
    return codes have six digits and stay.
    """
    if _RETURN_CODE.fullmatch(value) or (_CODE.fullmatch(value) and not _LONG_NUMBER.search(value)):
        return value
    return f"sha256:{hashlib.sha256(value.encode(errors='surrogatepass')).hexdigest()[:8]}"
