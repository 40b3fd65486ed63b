"""The embedded server, each time a real one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

import asyncpg
import psutil
import pytest

from shared.db.embedded import EmbeddedPostgres, FolderInUse, StartFailed
from shared.errors import BadInput
from tests.support.embedded import ask, gone, start

ROOT = os.geteuid() == 0
PROJECT = Path(__file__).parents[2]


async def test_it_starts_answers_with_our_settings_and_stops(tmp_path: Path, open_folder: Path) -> None:
    running = start(tmp_path / "pg", open_folder, max_connections="37")
    wanted = {
        "server_version_num": "180004", "max_connections": "37", "fsync": "on", "synchronous_commit": "on",
        "data_checksums": "on", "jit": "off", "max_locks_per_transaction": "256", "listen_addresses": "127.0.0.1",
        "server_encoding": "UTF8", "TimeZone": "UTC",
    }  # fmt: skip

    found = {name: await ask(running.dsn(), f"SHOW {name}") for name in wanted}
    running.stop()
    running.stop()

    assert found == wanted
    assert gone(running.pid)
    assert not running.running()


async def test_nobody_enters_without_the_password(cluster: EmbeddedPostgres) -> None:
    for wrong in ("", ":guess"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://postgres{wrong}@127.0.0.1:{cluster.port}/postgres", passfile="/none")


async def test_a_role_of_its_own_enters_its_own_database(cluster: EmbeddedPostgres) -> None:
    await ask(cluster.dsn(), "CREATE ROLE orders LOGIN PASSWORD 'p@ss/word'", "CREATE DATABASE orders OWNER orders")

    who = await ask(cluster.dsn("orders", "orders", "p@ss/word"), "SELECT current_user || ' in ' || current_database()")

    assert who == "orders in orders"


def test_secrets_lie_in_files_of_the_owner_alone(cluster: EmbeddedPostgres) -> None:
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in cluster.folder.iterdir()}

    assert modes["superuser.password"] == "0o600"
    assert modes["postgres.log"] == "0o600"
    assert modes["data"] == "0o700"
    assert "initdb.password" not in modes
    assert (cluster.folder / "superuser.password").stat().st_uid == os.geteuid()


def test_the_server_does_not_inherit_our_environment(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_SECRET", "x")
    monkeypatch.setenv("PGPORT", "1")

    with start(tmp_path / "pg", open_folder) as running:
        environment = psutil.Process(running.pid).environ()

    assert environment.keys() & {"SOME_SECRET", "PGPORT"} == set()


async def test_values_of_people_stay_out_of_the_log(cluster: EmbeddedPostgres) -> None:
    await ask(cluster.dsn(), "CREATE TABLE person (name text PRIMARY KEY)", "INSERT INTO person VALUES ('Wanjiku')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await ask(cluster.dsn(), "INSERT INTO person VALUES ('Wanjiku')")

    log = (cluster.folder / "postgres.log").read_text()

    assert "duplicate key value" in log
    assert "Wanjiku" not in log


async def test_after_kill_9_under_writers_every_acknowledged_row_is_there(tmp_path: Path, open_folder: Path) -> None:
    first = start(tmp_path / "pg", open_folder)
    await ask(first.dsn(), "CREATE TABLE row (id text PRIMARY KEY)")
    acknowledged: list[str] = []

    async def write(writer: int) -> None:
        connection = await asyncpg.connect(first.dsn())
        for number in range(1_000_000):
            await connection.execute("INSERT INTO row VALUES ($1)", f"{writer}-{number}")
            acknowledged.append(f"{writer}-{number}")

    writers = [asyncio.create_task(write(number)) for number in range(6)]
    await asyncio.sleep(1.0)
    await asyncio.to_thread(first.kill)
    ends = await asyncio.gather(*writers, return_exceptions=True)
    second = await asyncio.to_thread(start, tmp_path / "pg", open_folder)

    with second:
        found = set(await ask(second.dsn(), "SELECT array_agg(id) FROM row"))
    assert [isinstance(end, Exception) for end in ends] == [True] * 6
    assert len(acknowledged) > 100
    assert set(acknowledged) <= found
    assert second.dsn() == first.dsn()  # pools find it again


def test_a_long_path_is_no_obstacle(tmp_path: Path, open_folder: Path) -> None:
    folder = tmp_path / ("l" * 120) / ("o" * 120) / "pg"

    with start(folder, open_folder) as running:
        assert asyncio.run(ask(running.dsn(), "SELECT 1")) == 1


def test_a_busy_port_is_left_to_its_owner(tmp_path: Path, open_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        wanted = stranger.getsockname()[1]

        with start(tmp_path / "pg", open_folder, port=str(wanted)) as running:
            assert running.port != wanted
            assert asyncio.run(ask(running.dsn(), "SELECT inet_server_port()")) == running.port


def test_the_last_port_is_taken_again_unless_it_is_busy(tmp_path: Path, open_folder: Path) -> None:
    ports = []
    for _ in range(2):
        with start(tmp_path / "pg", open_folder) as running:
            ports.append(running.port)
    with socket.create_server(("127.0.0.1", ports[0])), start(tmp_path / "pg", open_folder) as running:
        ports.append(running.port)

    assert ports[0] == ports[1]
    assert ports[2] != ports[0]


def test_two_clusters_run_side_by_side(tmp_path: Path, open_folder: Path) -> None:
    with start(tmp_path / "a", open_folder) as a, start(tmp_path / "b", open_folder) as b:
        asyncio.run(ask(a.dsn(), "CREATE TABLE only_here (id int)"))
        seen = [asyncio.run(ask(each.dsn(), "SELECT to_regclass('only_here')::text")) for each in (a, b)]

    assert seen == ["only_here", None]
    assert a.port != b.port


def test_a_folder_in_use_is_refused_with_its_owners_pid(cluster: EmbeddedPostgres, open_folder: Path) -> None:
    with pytest.raises(FolderInUse, match=str(os.getpid())):
        start(cluster.folder, open_folder)

    assert asyncio.run(ask(cluster.dsn(), "SELECT 1")) == 1


def test_a_folder_with_other_things_in_it_is_refused_and_untouched(tmp_path: Path, open_folder: Path) -> None:
    (tmp_path / "letter").write_text("mine")

    with pytest.raises(BadInput, match="something else"):
        start(tmp_path, open_folder)

    assert [path.name for path in tmp_path.iterdir()] == ["letter"]


def test_an_interrupted_initdb_is_begun_anew(tmp_path: Path, open_folder: Path) -> None:
    start(tmp_path / "pg", open_folder).stop()
    (tmp_path / "pg" / "data").rename(tmp_path / "pg" / "data.new")
    (tmp_path / "pg" / "data.new" / "global" / "pg_control").unlink()

    with start(tmp_path / "pg", open_folder) as running:
        assert asyncio.run(ask(running.dsn(), "SELECT 1")) == 1


def test_a_folder_of_another_version_is_refused_with_both_versions(tmp_path: Path, open_folder: Path) -> None:
    start(tmp_path / "pg", open_folder).stop()
    (tmp_path / "pg" / "data" / "PG_VERSION").write_text("17\n")

    with pytest.raises(StartFailed, match=r"PostgreSQL 17.*this is 18"):
        start(tmp_path / "pg", open_folder)


def test_a_wrong_setting_is_told_in_postgresqls_own_words(tmp_path: Path, open_folder: Path) -> None:
    with pytest.raises(StartFailed, match="no_such_setting"):
        start(tmp_path / "pg", open_folder, no_such_setting="1")
    with pytest.raises(BadInput, match="listen_addresses"):
        start(tmp_path / "pg", open_folder, listen_addresses="*")

    with start(tmp_path / "pg", open_folder) as running:  # neither attempt kept the folder
        assert running.running()


def test_stop_is_bounded_even_when_the_server_hangs(tmp_path: Path, open_folder: Path) -> None:
    running = start(tmp_path / "pg", open_folder)
    os.kill(running.pid, signal.SIGSTOP)

    began = time.monotonic()
    running.stop()

    assert time.monotonic() - began < 10
    assert gone(running.pid)
