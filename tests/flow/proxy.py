"""A wire between client and PostgreSQL that breaks where a test wants: before a request arrives, or its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

from shared.db.engine import Database


class Cut(Enum):
    REQUEST = "the server never sees it"
    ANSWER = "the server does it, the client never hears"


@dataclass
class Proxy:
    """Counts what clients send; breaks once, at the nth message of any connection or at one that holds some bytes."""

    port: int
    sent: int = 0
    cuts: int = 0
    armed: Cut | None = None
    at: int | bytes = b""
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def before(cls, database: Database) -> AsyncIterator[tuple[Proxy, Database]]:
        """The wire, and the database as it is reached over it."""
        address = urlsplit(database.dsn)
        assert address.port is not None
        proxy = cls(address.port)
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            yield proxy, Database(database.dsn.replace(f":{address.port}/", f":{port}/"), database.name)
        finally:
            server.close()
            proxy.cut_all()

    def cut_at(self, at: int | bytes, cut: Cut) -> None:
        """The nth message from now on, or the next one with these bytes in it."""
        self.armed, self.at, self.sent = cut, at, 0

    def cut_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers |= {writer, server_writer}
        back = asyncio.create_task(self._back(server_reader, writer))
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                self.sent += 1
                cut = self.armed if self._here(data) else None
                if cut is Cut.REQUEST:
                    break
                if cut is Cut.ANSWER:
                    back.cancel()
                    await asyncio.wait({back})
                    server_writer.write(data)
                    await server_reader.read(65536)  # done, or refused: nobody will know
                    break
                server_writer.write(data)
        back.cancel()
        for end in (writer, server_writer):
            end.transport.abort()

    def _here(self, data: bytes) -> bool:
        if self.armed is None or not (self.at in data if isinstance(self.at, bytes) else self.sent == self.at):
            return False
        self.cuts += 1
        asyncio.get_running_loop().call_soon(self._disarm)
        return True

    def _disarm(self) -> None:
        self.armed = None

    @staticmethod
    async def _back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()
