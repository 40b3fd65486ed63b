"""The one HTTP client of a process, with a pool of its own for every partner: a slow one starves nobody else.

httpx's pool looks at all its connections for each request; small pools are also what makes it fast (measured: one of
64 connections cost a tenth of all CPU time of whole orders).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

import httpx

from shared.errors import Failure

# Deadlines are the client's own: cancelling httpx from outside strands its pool's connections.
TIMEOUT: Final = httpx.Timeout(10.0, connect=3.0)
PER_PARTNER: Final = httpx.Limits(max_connections=16, max_keepalive_connections=16)


@cache
def _authorities() -> ssl.SSLContext:
    """Whom we believe, read once; SSL_CERT_FILE and SSL_CERT_DIR name others."""
    return httpx.create_ssl_context()


class _PerPartner(httpx.AsyncBaseTransport):
    """One pool per scheme, host and port. Their number is that of the partners in the settings."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, str, int | None], httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        where = (request.url.scheme, request.url.host, request.url.port)
        if (pool := self._pools.get(where)) is None:
            pool = self._pools[where] = httpx.AsyncHTTPTransport(verify=_authorities(), limits=PER_PARTNER)
        return await pool.handle_async_request(request)

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()


@contextmanager
def sending(unreachable: Failure, unanswered: Failure) -> Iterator[None]:
    """How a call without a readable answer is told: nothing left the house, or nobody knows whether it was done."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise unreachable from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise unanswered from error


def new_client() -> httpx.AsyncClient:
    """Follows no redirect; reads no proxy and no password from the environment."""
    return httpx.AsyncClient(timeout=TIMEOUT, transport=_PerPartner(), trust_env=False, follow_redirects=False)
