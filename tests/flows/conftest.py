"""Scenarios are walked in the plain order first, and then as chance will have it: they must end the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.town import Town

SEEDS = (None, *range(1, 6))


@pytest.fixture(autouse=True)
def no_chance_left() -> Iterator[None]:
    """What one test leaves to chance is nobody else's."""
    yield
    Town.seed = None


@pytest.fixture(params=SEEDS, ids=lambda seed: "in-order" if seed is None else f"seed-{seed}")
def any_order(request: pytest.FixtureRequest) -> None:
    Town.seed = request.param
