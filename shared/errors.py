"""Failures by what may be done about them. The code is stable and public; the message is for people."""

from __future__ import annotations

from typing import ClassVar


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
        super().__init__(f"unknown {what}: {value[:80]!r}")
        self.what, self.value = what, value
