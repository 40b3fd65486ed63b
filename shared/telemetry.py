"""Our own spans and metrics. One trace per step, linked to its cause; an order is sampled whole, by a hash of its id.

Hand-made on purpose: the ready-made aiokafka instrumentation ends its span before the handler runs, and an unsampled
step must cost next to nothing (a recorded span costs about 44 µs with its export).
"""

from __future__ import annotations

import os
import re
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Counter, Histogram, Meter
from opentelemetry.metrics import _Gauge as Gauge
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, Tracer

from shared.events.envelope import Cause
from shared.flow.items import Item, Leased, Receipt

# Attribute names, declared once (OpenTelemetry messaging conventions 1.44 where there is one).
ORDER_ID: Final = "order.id"
CONVERSATION: Final = "messaging.message.conversation_id"
MESSAGE_ID: Final = "messaging.message.id"
DESTINATION: Final = "messaging.destination.name"
OPERATION: Final = "messaging.operation.type"
SYSTEM: Final = "messaging.system"

# Every metric, declared once: its unit (UCUM) and what it counts. `service.name` is the resource's, not an attribute.
METRICS: Final = {
    "corridor.receipts": ("{receipt}", "partners' requests and commands that were stored"),
    "corridor.refused": ("{request}", "requests refused at a door, by door and code"),
    "corridor.facts": ("{fact}", "facts from the broker, by what became of them"),
    "corridor.call.retries": ("{call}", "outside calls that will be tried again, by kind and code"),
    "messaging.client.sent.messages": ("{message}", "facts published"),
    "messaging.client.commit.stale": ("{commit}", "commits refused because partitions were assigned anew"),
    "corridor.intake.duration": ("s", "from a request in the queue to its commit"),
    "corridor.call.duration": ("s", "one outside call, by kind and how it ended"),
    "messaging.process.duration": ("s", "one batch of facts, from the broker's answer to the commit of its effects"),
    "corridor.consumer.lag": ("{fact}", "facts behind the end of a topic"),
}
# Seconds. OpenTelemetry's own borders are made for milliseconds: everything of ours would fall into the first.
BORDERS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

CLOSE_SECONDS: Final = 1.5
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def parse_traceparent(text: str) -> SpanContext | None:
    """W3C trace context; None for anything malformed or all zero: a forged header must not break a step."""
    if _TRACEPARENT.fullmatch(text) is None:
        return None
    _, trace_id, span_id, flags = (int(part, 16) for part in text.split("-"))
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return context if context.is_valid else None


def new_traceparent() -> str:
    raw = os.urandom(24).hex()
    return f"00-{raw[:32]}-{raw[32:]}-00"


@dataclass
class Telemetry:
    """`sample` is the share of orders whose steps are recorded (0 to 1). Without a tracer nothing is recorded or
    sent."""

    service: str
    sample: float = 0.0
    tracer: Tracer | None = None
    meter: Meter | None = None
    providers: tuple[TracerProvider | MeterProvider, ...] = ()
    _counters: dict[str, Counter] = field(default_factory=dict)
    _histograms: dict[str, Histogram] = field(default_factory=dict)
    _gauges: dict[str, Gauge] = field(default_factory=dict)

    @classmethod
    def exporting(cls, service: str, endpoint: str, sample: float) -> Telemetry:
        """Spans and metrics by OTLP/HTTP to `endpoint`, from background threads."""
        resource = Resource.create({"service.name": service, "service.namespace": "corridor"})
        spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces"), max_queue_size=8192))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{endpoint}/v1/metrics"))
        metrics = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        return cls(service, sample, spans.get_tracer("corridor"), metrics.get_meter("corridor"), (spans, metrics))

    def close(self) -> None:
        """Send what is left, for at most CLOSE_SECONDS in all: a collector that is away holds nobody up, and by itself
        the library would try for a minute at the end of the process."""
        threads = [threading.Thread(target=one.shutdown, daemon=True) for one in self.providers]
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def sampled(self, order_id: str) -> bool:
        """By the order and not by the trace: all steps of a sampled order are kept, whichever service takes them."""
        return self.tracer is not None and zlib.crc32(order_id.encode()) % 10_000 < self.sample * 10_000

    def stepping(self, items: Iterable[Item]) -> Iterator[Item]:
        """Each item with the trace context of its own step, which its facts will carry; the span ends with the step."""
        for item in items:
            if self.tracer is None or not self.sampled(item.lane):
                yield _within(item, new_traceparent())
                continue
            link = parse_traceparent(item.cause.traceparent)
            name, kind, attributes = _described(item)
            with self.tracer.start_as_current_span(
                name, trace.set_span_in_context(trace.INVALID_SPAN), kind, attributes, [Link(link)] if link else None
            ) as span:
                context = span.get_span_context()
                yield _within(item, f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}")

    def count(self, name: str, amount: int = 1, **attributes: str) -> None:
        """Never an order id among the attributes: their number must stay small."""
        if self.meter is not None and amount:
            if name not in self._counters:
                self._counters[name] = self.meter.create_counter(name, *METRICS[name])
            self._counters[name].add(amount, attributes)

    def observe(self, name: str, seconds: float, **attributes: str) -> None:
        if self.meter is not None:
            if name not in self._histograms:
                self._histograms[name] = self.meter.create_histogram(
                    name, *METRICS[name], explicit_bucket_boundaries_advisory=BORDERS
                )
            self._histograms[name].record(seconds, attributes)

    def measure(self, name: str, value: int, **attributes: str) -> None:
        """How much it is right now; the last word of an interval is the one that is sent."""
        if self.meter is not None:
            if name not in self._gauges:
                self._gauges[name] = self.meter.create_gauge(name, *METRICS[name])
            self._gauges[name].set(value, attributes)


def _within(item: Item, traceparent: str) -> Item:
    # By hand: `replace` looks every field up by name and costs twice as much, on every item of every batch.
    cause = Cause(item.cause.id, item.cause.correlation_id, traceparent)
    return Item(item.id, item.content, item.reach, cause, item.origin)


def _described(item: Item) -> tuple[str, SpanKind, dict[str, str]]:
    common = {ORDER_ID: item.lane, CONVERSATION: item.cause.correlation_id, MESSAGE_ID: str(item.id)}
    match item.origin:
        case Receipt(door=door):
            return f"receive {door}", SpanKind.SERVER, common
        case Leased(kind=kind):
            return f"call {kind}", SpanKind.CLIENT, common
        case _:
            record = item.record
            topic = record.partition.topic if record else ""
            return (
                f"process {topic}",
                SpanKind.CONSUMER,
                {**common, DESTINATION: topic, OPERATION: "process", SYSTEM: "kafka"},
            )
