"""The manifest: every topic, who produces it, who reads it, and what the broker must keep. Data, not configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Importing the declarations fills the registry.
from shared.broker.ports import TopicSpec
from shared.events import catalog, customs, logistics, orders, payments
from shared.events.base import REGISTRY, Event

__all__ = ["TOPICS", "Topic", "catalog", "consumed_by", "customs", "logistics", "orders", "payments", "specs"]

KIB: Final = 1024
ALL: Final = ("tower",)


@dataclass(frozen=True, slots=True)
class Topic:
    """`key` names the field that keeps facts in order; every consumer here handles at least one of its facts."""

    name: str
    producer: str
    consumers: tuple[str, ...]
    key: str = "order_id"
    partitions: int = 8
    retention_days: int = 30
    max_bytes: int = 256 * KIB

    @property
    def events(self) -> tuple[type[Event], ...]:
        return tuple(cls for cls in REGISTRY.values() if cls.topic == self.name)


TOPICS: Final = (
    Topic("orders.order", "orders", ("catalog", "payments", "logistics", "customs", *ALL)),
    Topic("catalog.reservation", "catalog", ("orders", "customs", *ALL)),
    Topic("catalog.stock", "catalog", ALL, key="stock_key"),
    Topic("catalog.product", "catalog", ALL, key="sku"),
    Topic("payments.payment", "payments", ("orders", "catalog", *ALL)),
    Topic("payments.customs-declaration", "payments", ("orders", "customs", *ALL)),
    Topic("payments.refund", "payments", ("orders", *ALL)),
    Topic("payments.escrow", "payments", ("orders", *ALL)),
    Topic("logistics.parcel", "logistics", ("orders", "catalog", "customs", *ALL)),
    Topic("logistics.waybill-document", "logistics", ("orders", "customs", *ALL)),
    Topic("logistics.promise", "logistics", ALL),
    Topic("logistics.consignment", "logistics", ALL, key="consignment_id"),
    Topic("customs.assessment", "customs", ("orders", "payments", *ALL)),
    Topic("customs.declaration", "customs", ("orders", "payments", *ALL)),
)


def consumed_by(service: str) -> tuple[str, ...]:
    return tuple(topic.name for topic in TOPICS if service in topic.consumers)


def specs() -> tuple[TopicSpec, ...]:
    return tuple(TopicSpec(t.name, t.partitions, t.retention_days, t.max_bytes) for t in TOPICS)
