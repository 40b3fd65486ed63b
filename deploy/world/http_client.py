"""A lean HTTP/1.1 client for loopback: connections kept alive, one request at a time on each.

Not httpx: at a few hundred requests a second its connection pool cost more than everything else of the world together
(every request walks all connections; measured with 64: 10 of 25 CPU seconds), and the world's CPU is taken from the
services that it drives.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

import httptools


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class NoAnswer(Exception):
    """Refused, broken off, or too late; nobody knows whether the other side acted. The text is one word of why."""


class Connection(asyncio.Protocol):
    """The parser calls the `on_…` methods; the future of the exchange gets the answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self.reusable = True

    async def exchange(self, request: bytes) -> Answer:
        if self._transport is None or self._transport.is_closing():
            raise NoAnswer("closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    @property
    def at_rest(self) -> bool:
        """No request is out, or its answer is here."""
        return self._waiting is None or (self._waiting.done() and not self._waiting.cancelled())

    def close(self) -> None:
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass of it

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("malformed")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("reset" if exc else "closed")

    def on_body(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), b"".join(self._chunks))
        self.reusable = self.reusable and self._parser.should_keep_alive()
        self._parser, self._chunks = httptools.HttpResponseParser(self), []
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def _fail(self, why: str) -> None:
        self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(NoAnswer(why))


class Client:
    def __init__(self) -> None:
        self._idle: defaultdict[tuple[str, int], list[Connection]] = defaultdict(list)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,  # noqa: ASYNC109
    ) -> Answer:
        """timeout: seconds for everything, connecting included. Raises NoAnswer."""
        host, port, target = _parts(url)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        start = f"{method} {target} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        connection: Connection | None = None
        try:
            async with asyncio.timeout(timeout):
                connection = self._take(host, port) or await self._open(host, port)
                answer = await connection.exchange(start.encode("latin-1") + body)
        except TimeoutError as error:
            raise NoAnswer("timeout") from error
        except OSError as error:
            raise NoAnswer("unreachable") from error
        finally:
            self._give_back(host, port, connection)
        return answer

    def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()

    def _take(self, host: str, port: int) -> Connection | None:
        idle = self._idle[host, port]
        while idle:
            connection = idle.pop()
            if connection.reusable:
                return connection
        return None

    async def _open(self, host: str, port: int) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
        return connection

    def _give_back(self, host: str, port: int, connection: Connection | None) -> None:
        """One whose answer is still on its way must not answer the next request."""
        if connection is None:
            return
        if connection.reusable and connection.at_rest:
            self._idle[host, port].append(connection)
        else:
            connection.close()


@lru_cache(maxsize=4096)
def _parts(url: str) -> tuple[str, int, str]:
    split = urlsplit(url)
    if split.scheme != "http" or not split.hostname:
        raise NoAnswer("not plain http")  # the world speaks to this machine only
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    return split.hostname, split.port or 80, target
