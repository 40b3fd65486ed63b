"""Structured logs: one JSON line each, with order, event and trace ids where there are any. Never a body, never
personal data."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(*, human: bool = False, level: int = logging.INFO) -> None:
    """Once per process. `human` prints for a terminal instead of JSON."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s %(levelname)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(_for_people() if human else _for_machines()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _for_machines() -> tuple[structlog.typing.Processor, ...]:
    # Without locals: a traceback's variables are orders and people.
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return structlog.processors.ExceptionRenderer(tracebacks), structlog.processors.JSONRenderer()


def _for_people() -> tuple[structlog.typing.Processor, ...]:
    return (structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),)


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(component=name)
    return log
