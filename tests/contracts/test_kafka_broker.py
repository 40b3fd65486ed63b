"""The broker contract on a real Kafka."""

from __future__ import annotations

import pytest

from tests.contracts.broker_contract import BrokerContract, world
from tests.contracts.broker_faults import BrokerFaults
from tests.support.kafka import KafkaEngine, running_kafka

__all__ = ["world"]


@pytest.fixture
def engine() -> KafkaEngine:
    return KafkaEngine(running_kafka())


class TestKafka(BrokerContract, BrokerFaults):
    pass
