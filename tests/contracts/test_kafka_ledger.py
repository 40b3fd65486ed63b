"""The bookkeeping of one member: in turns, in order, never back."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from shared.broker.kafka_ledger import Ledger
from shared.broker.ports import Partition, Record

A, B = Partition("t", 0), Partition("t", 1)


def raw(first: int, last: int) -> list[SimpleNamespace]:
    return [SimpleNamespace(offset=n, key=b"k", value=b"v", headers=(), timestamp=0) for n in range(first, last)]


def offsets(records: tuple[Record, ...]) -> list[tuple[int, int]]:
    return [(record.partition.number, record.offset) for record in records]


def test_partitions_take_turns() -> None:
    ledger = Ledger()
    ledger.add({A: raw(0, 4), B: raw(7, 9)})

    taken = [offsets(ledger.take(2)) for _ in range(4)]

    assert taken == [[(0, 0), (0, 1)], [(1, 7), (1, 8)], [(0, 2), (0, 3)], []]


def test_work_is_in_flight_until_all_of_it_is_committed() -> None:
    ledger = Ledger()
    ledger.add({A: raw(5, 8)})
    seen = [ledger.in_flight]
    ledger.take(2)
    seen.append(ledger.in_flight)
    ledger.committed({A: 6})
    seen.append(ledger.in_flight)
    ledger.committed({A: 7})
    seen.append(ledger.in_flight)

    assert seen == [False, True, True, False]


def test_rewinding_names_where_to_read_again() -> None:
    ledger = Ledger()
    ledger.add({A: raw(5, 8), B: raw(0, 2)})
    ledger.take(5)
    ledger.committed({A: 7})

    assert ledger.rewind() == {A: 7, B: 0}
    assert (ledger.empty, ledger.in_flight) == (True, False)


@given(st.lists(st.integers(1, 30), min_size=1), st.lists(st.integers(0, 30)))
def test_commits_only_move_forward(takes: list[int], commits: list[int]) -> None:
    ledger = Ledger()
    ledger.add({A: raw(0, 30)})
    for limit in takes:
        ledger.take(limit)
    floors = [0]
    for offset in commits:
        ledger.committed(ledger.ahead({A: offset}))
        floors.append(ledger.floor(A) or 0)

    assert floors == sorted(floors)
    assert floors[-1] == max([0, *commits])
