"""A server that answers 200 to whatever comes, from another process: where telemetry goes and bare round trips end."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import re
import subprocess
import sys
from typing import Final

import uvloop

LENGTH: Final = re.compile(rb"(?i)content-length: (\d+)")


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length else 0)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    writer.close()


async def serve() -> None:
    """Prints its port, then serves until its input ends: it goes when whoever started it goes."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # open connections are nobody's loss


def sink() -> int:
    """Starts one; its port. It stays to the very end of the process: exporters send their last words at exit."""
    pipe = subprocess.PIPE
    child = subprocess.Popen([sys.executable, "-m", "tests.bench.sink"], stdin=pipe, stdout=pipe)
    atexit.register(child.terminate)
    assert child.stdout is not None
    return int(child.stdout.readline())


if __name__ == "__main__":
    uvloop.run(serve())
