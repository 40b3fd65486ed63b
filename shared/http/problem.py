"""Problem documents (RFC 9457): one stable code, what was wrong, where, and what to do. Made from the failure's
class."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from shared.errors import BadInput, Failure, Permanent, SignatureRefused, Transient, Unrecognised
from shared.flow.decision import Reply

PROBLEM: Final = "application/problem+json"


class NotAuthenticated(Permanent):
    """No bearer token, or one that we did not issue."""

    code = "auth.required"


class NotAllowed(Permanent):
    """The token's role does not reach this far."""

    code = "auth.forbidden"


class NotFound(Permanent):
    """There is no such thing, or it is another seller's: the two are told apart to nobody."""

    code = "not_found"


class NoSuchAddress(NotFound):
    """There is nothing at this address."""

    code = "address.not_found"


class WrongMethod(Permanent):
    """This address does not take this method; `Allow` says which it takes."""

    code = "method.not_allowed"


class UnknownParameter(BadInput):
    """This address does not know the parameter: a misspelt filter would answer something else than was asked."""

    code = "input.unknown_parameter"


class Internal(Failure):
    """We failed, and it is logged. Nothing that was not acknowledged may be taken for granted."""

    code = "internal"


class TooLarge(Permanent):
    """The body is larger than this door takes."""

    code = "input.too_large"


class Conflict(Permanent):
    """The order is past the point where this can be done."""

    code: ClassVar[str] = "conflict"


_STATUS: Final[tuple[tuple[type[Failure], int], ...]] = (
    (SignatureRefused, 401),
    (NotAuthenticated, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (WrongMethod, 405),
    (Conflict, 409),
    (TooLarge, 413),
    (Unrecognised, 422),
    (BadInput, 400),
    (Transient, 503),
    (Permanent, 422),
)


def status_of(failure: Failure) -> int:
    return status_of_kind(type(failure))


def status_of_kind(kind: type[Failure]) -> int:
    return next((status for known, status in _STATUS if issubclass(kind, known)), 500)


def problem(failure: Failure) -> dict[str, Any]:
    status = status_of(failure)
    document = {
        "type": f"urn:corridor:problem:{failure.code}",
        "title": (type(failure).__doc__ or failure.code).split("\n", 1)[0].strip(),
        "status": status,
        "code": failure.code,
        "detail": str(failure),
    }
    for name in ("where", "fix"):
        if value := getattr(failure, name, ""):
            document[name] = value
    return document


def problem_reply(failure: Failure) -> Reply:
    return Reply(status_of(failure), json.dumps(problem(failure), ensure_ascii=False).encode(), PROBLEM)
