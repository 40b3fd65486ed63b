"""What is the same for every provider over HTTP: how a call that brought no believable answer is told. I/O."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from services.payments.providers.base import Busy, Unanswered
from shared.errors import BadInput, SignatureRefused
from shared.http.client import sending


async def send(http: httpx.AsyncClient, request: httpx.Request, vendor: str) -> httpx.Response:
    """Deadlines are the client's own `timeout=`."""
    with sending(Busy(f"{vendor} is not reachable"), Unanswered(f"{vendor} did not answer")):
        return await http.send(request)


@contextmanager
def belief(vendor: str) -> Iterator[None]:
    """An answer that is not authentic or cannot be read tells nothing: what was asked may have been done."""
    try:
        yield
    except (SignatureRefused, BadInput) as error:
        raise Unanswered(f"{vendor}'s answer cannot be believed") from error


@contextmanager
def question(vendor: str) -> Iterator[None]:
    """A question changes nothing, so whatever became of it, it may simply be asked again."""
    try:
        yield
    except Unanswered as error:
        raise Busy(f"{vendor} did not answer a question") from error
