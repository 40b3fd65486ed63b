"""Who runs the embedded server, from where, and what becomes of it when its launcher dies."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from shared.db import embedded_host as host
from shared.db.embedded import EmbeddedPostgres
from tests.support.embedded import ask, gone, start

ROOT = os.geteuid() == 0
PROJECT = Path(__file__).parents[2]


def test_below_a_closed_parent_it_runs_and_opens_nothing(tmp_path: Path, open_folder: Path) -> None:
    closed = tmp_path / "closed"
    folder = closed / "inner" / "pg"
    folder.mkdir(parents=True)
    closed.chmod(0o700)
    (closed / "inner").chmod(0o700)
    parents = [*folder.parents]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in parents]
    touched = [path.stat().st_mtime_ns for path in (closed, closed / "inner")]
    accounts = [entry.pw_name for entry in pwd.getpwall()]

    with start(folder, open_folder) as running:
        assert asyncio.run(ask(running.dsn(), "SELECT 7")) == 7

    assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in parents] == before
    assert [path.stat().st_mtime_ns for path in (closed, closed / "inner")] == touched
    assert [entry.pw_name for entry in pwd.getpwall()] == accounts


def test_never_as_root(cluster: EmbeddedPostgres) -> None:
    uids = set(psutil.Process(cluster.pid).uids())

    assert 0 not in uids
    assert len(uids) == 1


STARTER = """
import sys, pathlib
from shared.db.embedded import EmbeddedPostgres
running = EmbeddedPostgres.start(pathlib.Path(sys.argv[1]), binaries_cache=pathlib.Path(sys.argv[2]))
print(running.pid, psutil.Process(running.pid).exe() if (psutil := __import__("psutil")) else "", flush=True)
sys.stdin.read()
running.stop()
"""


@contextlib.contextmanager
def launcher(folder: Path, cache: Path, *paths: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """Another program that runs the server: its process, the server's pid and the server's binary."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*paths, PROJECT)))}
    command = [sys.executable, "-c", STARTER, str(folder), str(cache)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            pid, binary = process.stdout.readline().split()
            yield process, int(pid), binary
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


def test_binaries_that_the_account_cannot_reach_are_copied_once(tmp_path: Path, open_folder: Path) -> None:
    spec = host._wheel().parent
    closed = tmp_path / "closed"
    for name in (spec.name, f"{spec.name}.libs"):
        shutil.copytree(spec.parent / name, closed / "site" / name, ignore=shutil.ignore_patterns("pginstall"))
    closed.chmod(0o700)
    cache = open_folder / "closed-binaries"

    with launcher(tmp_path / "one", cache, closed / "site") as (_, _, first):
        pass
    copied = [path.stat().st_mtime_ns for path in cache.glob("*")]
    with launcher(tmp_path / "two", cache, closed / "site") as (_, _, second):
        pass

    assert Path(first).is_relative_to(cache if ROOT else closed)
    assert second == first
    assert [path.stat().st_mtime_ns for path in cache.glob("*")] == copied
    assert len(copied) == ROOT
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_cache_that_others_may_write_is_not_trusted(tmp_path: Path, open_folder: Path) -> None:
    shared = open_folder / "shared-cache"
    shared.mkdir()
    shared.chmod(0o777)

    assert not host._copied(host._wheel(), shared / "copy")
    assert list(shared.iterdir()) == []


def test_it_dies_with_a_launcher_that_is_killed(tmp_path: Path, open_folder: Path) -> None:
    with launcher(tmp_path / "pg", open_folder / "binaries") as (process, pid, _):
        process.kill()
        process.wait()
        assert gone(pid) or sys.platform != "linux"  # elsewhere the next start ends it

    with start(tmp_path / "pg", open_folder) as again:
        assert again.pid != pid


def test_it_outlives_the_thread_that_started_it(tmp_path: Path, open_folder: Path) -> None:
    running = asyncio.run(asyncio.to_thread(start, tmp_path / "pg", open_folder))
    time.sleep(0.3)

    with running:
        assert asyncio.run(ask(running.dsn(), "SELECT 1")) == 1


def test_a_server_left_behind_is_ended_and_the_folder_served_anew(tmp_path: Path, open_folder: Path) -> None:
    first = start(tmp_path / "pg", open_folder)
    asyncio.run(ask(first.dsn(), "CREATE TABLE kept AS SELECT 5 AS v"))
    first.stop()
    who = host.account()
    command = [str(host.binaries(who, open_folder / "binaries") / "bin/postgres"), "-D"]
    command += [host.data_argument(first.folder / "data", who), "-c", f"port={first.port}"]
    command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    orphan = subprocess.Popen(command, cwd=first.folder / "data", stderr=subprocess.DEVNULL, **host.identity(who))
    pid_file = first.folder / "data" / "postmaster.pid"
    while not pid_file.exists() or "ready" not in pid_file.read_text():
        assert orphan.poll() is None
        time.sleep(0.02)

    with start(tmp_path / "pg", open_folder) as second:
        assert orphan.wait(5) == 0  # asked to stop, not killed
        assert asyncio.run(ask(second.dsn(), "SELECT v FROM kept")) == 5


def test_a_pid_file_whose_pid_is_somebody_elses_now_is_no_obstacle(tmp_path: Path, open_folder: Path) -> None:
    first = start(tmp_path / "pg", open_folder)
    pid_file = first.folder / "data" / "postmaster.pid"
    first.kill()
    with subprocess.Popen(["sleep", "60"], **host.identity(host.account())) as stranger:
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")

        with start(tmp_path / "pg", open_folder) as second:
            assert asyncio.run(ask(second.dsn(), "SELECT 1")) == 1
        assert stranger.poll() is None
        stranger.send_signal(signal.SIGTERM)


def _ordinary(folder: Path, cache: Path, uid: int, talk: Connection) -> None:
    """In a forked child: this very interpreter may lie where another account cannot start it."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(pwd.getpwuid(uid).pw_gid)
        os.setuid(uid)
    with EmbeddedPostgres.start(folder, binaries_cache=cache) as running:
        talk.send((running.dsn(), running.pid, os.geteuid()))
        talk.recv()
    talk.send("stopped")


def test_as_an_ordinary_user(open_folder: Path) -> None:
    who = host.account()
    uid = who.uid if who else os.geteuid()
    folder = open_folder / "ordinary"
    folder.mkdir(mode=0o700)
    os.chown(folder, uid, -1)
    start(open_folder / "root", open_folder).stop()  # leaves a copy of the binaries, should the wheel be out of reach
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_ordinary, args=(folder / "pg", open_folder / "binaries", uid, theirs))
    child.start()
    theirs.close()

    dsn, pid, ran_as = ours.recv()
    answer = asyncio.run(ask(dsn, "SELECT 1"))
    server = psutil.Process(pid).uids().real
    ours.send("enough")
    last = ours.recv()
    child.join(10)

    assert (answer, ran_as, server, last, child.exitcode) == (1, uid, uid, "stopped", 0)
    assert {path.stat().st_uid for path in (folder / "pg").rglob("*")} == {uid}
