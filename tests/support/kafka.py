"""The one real Kafka of a test run, started by the first test that wants it."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from deploy.kafka.local import FAST_RECOVERY, LocalKafka
from deploy.kafka.parts import KafkaMissing
from shared.broker.kafka import KafkaBroker, KafkaSettings, KafkaSubscription
from tests.contracts.broker_contract import Engine


def running_kafka() -> LocalKafka:
    """Fails where Kafka cannot be had and CI is set; elsewhere the test is skipped, with the command that mends it."""
    found = _started()
    if isinstance(found, LocalKafka):
        return found
    if os.environ.get("CI"):
        pytest.fail(str(found))
    pytest.skip(str(found))


@cache
def _started() -> LocalKafka | KafkaMissing:
    folder = Path(tempfile.mkdtemp(prefix="kafka-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        kafka = LocalKafka.start(folder, settings=FAST_RECOVERY)
    except KafkaMissing as missing:
        return missing
    atexit.register(kafka.stop)
    return kafka


class KafkaEngine(Engine):
    """Impatient settings, so that a test of a deadline takes seconds; the broker accepts sessions of 6 s and more."""

    name = "kafka"

    def __init__(self, server: LocalKafka) -> None:
        self.server = server
        self.settings = KafkaSettings(
            server.bootstrap, call_seconds=4.0, commit_seconds=2.0, session_seconds=6.0, rebalance_seconds=3.0
        )
        self._brokers: list[KafkaBroker] = []

    async def broker(self) -> KafkaBroker:
        self._brokers.append(broker := KafkaBroker(self.settings))
        return broker

    async def close_brokers(self) -> None:
        await asyncio.gather(*(broker.close() for broker in self._brokers))
        self._brokers.clear()

    async def stop_server(self) -> None:
        await asyncio.to_thread(self.server.stop)

    async def kill_server(self) -> None:
        await asyncio.to_thread(self.server.kill)

    async def start_server(self) -> None:
        if not self.server.running:
            await asyncio.to_thread(self.server.restart)

    async def rebalance(self, group: str, topics: Sequence[str]) -> KafkaSubscription:
        """A second member is enough: the whole group lets go and joins again."""
        return await (await self.broker()).subscribe(group, topics)
