"""The embedded log under the broker's contract, on a PostgreSQL of its own that the suite stops and kills."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from shared.broker.embedded import EmbeddedBroker
from shared.broker.ports import Subscription
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from tests.contracts.broker_contract import BrokerContract, Engine, world
from tests.contracts.broker_faults import BrokerFaults

__all__ = ["world"]


class EmbeddedEngine(Engine):
    name = "embedded"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._postgres: EmbeddedPostgres | None = EmbeddedPostgres.start(folder)
        self._port = self._postgres.port
        self._brokers: list[EmbeddedBroker] = []

    async def start_server(self) -> None:
        if self._postgres is None:
            again = {"port": str(self._port)}
            self._postgres = await asyncio.to_thread(EmbeddedPostgres.start, self._folder, settings=again)

    async def stop_server(self) -> None:
        postgres, self._postgres = self._postgres, None
        assert postgres is not None
        await asyncio.to_thread(postgres.stop)

    async def kill_server(self) -> None:
        postgres, self._postgres = self._postgres, None
        assert postgres is not None
        await asyncio.to_thread(postgres.kill)

    async def broker(self) -> EmbeddedBroker:
        await self.start_server()
        broker = EmbeddedBroker(Database(self._dsn(), "broker"))
        self._brokers.append(broker)
        return broker

    async def close_brokers(self) -> None:
        for broker in self._brokers:
            await broker.close()
        self._brokers.clear()

    async def rebalance(self, group: str, topics: Sequence[str]) -> Subscription:
        """The active member loses its lock, as it would with its connection; another one takes over."""
        connection = await asyncpg.connect(self._dsn())
        name = f"broker/broker/{group}"
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
        await connection.execute(ended, name)
        await connection.close()
        return await (await self.broker()).subscribe(group, topics)

    def close(self) -> None:
        if self._postgres is not None:
            self._postgres.stop()

    def _dsn(self) -> str:
        assert self._postgres is not None
        return self._postgres.dsn()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(tmp_path_factory.mktemp("log") / "postgres")
    yield engine
    engine.close()


class TestEmbeddedLog(BrokerContract, BrokerFaults):
    """Every rule of the contract."""
