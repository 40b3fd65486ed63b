"""The sizes that keep the house liveable."""

from __future__ import annotations

import statistics
import warnings

from tests.architecture.source import code_lines, functions, line_count, product, size


def test_no_function_is_longer_than_60_lines() -> None:
    long = {f"{name}:{each.lineno} {each.name}": size(each) for name in product() for each in functions(name)}

    assert {place: lines for place, lines in long.items() if lines > 60} == {}


def test_the_median_function_has_at_most_8_lines() -> None:
    sizes = [size(each) for name in product() for each in functions(name)]

    assert statistics.median(sizes) <= 8


def test_no_file_is_longer_than_400_lines() -> None:
    assert {name: line_count(name) for name in product() if line_count(name) > 400} == {}


def test_the_mechanics_stay_readable_in_one_sitting() -> None:
    """Code lines: no blanks, comments, docstrings or imports. The Kafka client's traps are counted apart (ADR 0006)."""
    mechanics = [name for name in product() if name.startswith(("shared/flow/", "shared/broker/"))]
    kafka = [name for name in mechanics if name.startswith("shared/broker/kafka")]

    assert sum(code_lines(name) for name in mechanics if name not in kafka) <= 1500
    assert sum(map(code_lines, kafka)) <= 600


def test_the_median_file_is_reported_when_it_grows_beyond_80_lines() -> None:
    median = statistics.median(line_count(name) for name in product() if line_count(name))

    if median > 80:
        warnings.warn(f"the median file has {median:.0f} lines, 80 is the aim", stacklevel=1)
    assert median < 200
