"""PostgreSQL 18 as a child process: started in a second, gone with its parent, nothing installed.

The binaries come with a wheel; its own Python API is never used (it makes system users and opens every parent folder
to the world). Rules learned in trials: believe only the process that we started and its own pid file, never something
that answers on the port; take another port when the wanted one is busy; after a kill -9 the first start may be refused
while old backends leave; PostgreSQL itself refuses a second server on one data folder; stop by SIGINT.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Final, Self
from urllib.parse import quote

import psutil

from shared.db import embedded_host as host
from shared.db.embedded_host import Account, PostgresUnavailable
from shared.errors import BadInput

MAJOR: Final = "18"
DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "max_connections": "200",
        "shared_buffers": "128MB",
        "max_locks_per_transaction": "256",  # a batch holds an advisory lock per lane
        "jit": "off",
        "fsync": "on",
        "synchronous_commit": "on",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "io_method": "sync",  # the workers of version 18 gain nothing at our sizes and cost three processes
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        # Statements and the DETAIL of a violated key carry values of people; a log is no place for them.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
)
# Loopback only; no Unix socket: nobody needs a second door, whose path can be too long and whose file stays behind.
DOORS: Final[Mapping[str, str]] = MappingProxyType({"listen_addresses": "127.0.0.1", "unix_socket_directories": ""})
FIXED: Final = frozenset({*DOORS, "data_directory", "hba_file", "config_file"})
# Below the range from which Linux gives ports to outgoing connections: after a restart the old port is still free.
PORTS: Final = range(20000, 32000)
LOG_BYTES_MAX: Final = 16 * 1024 * 1024
PATIENCE_SECONDS: Final = 120.0  # crash recovery replays at most max_wal_size
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class FolderInUse(PostgresUnavailable):
    code = "postgres.folder_in_use"


class StartFailed(PostgresUnavailable):
    code = "postgres.start_failed"


class EmbeddedPostgres:
    """One running cluster in one folder of its own. `start` is the only way to get one.

    The folder holds: `data/` (the cluster), `superuser.password` (0600), `postgres.log`, `port`, `launcher.lock`.
    Every connection proves itself by SCRAM, the superuser's too: others on this machine reach the port as we do.
    Start and stop are synchronous and wait; in an event loop call them before it runs or through a thread.
    """

    def __init__(self, home: _Home, process: subprocess.Popen[bytes], port: int) -> None:
        self._home, self._process, self.port = home, process, port

    @classmethod
    def start(
        cls, folder: Path, *, settings: Mapping[str, str] = NOTHING, binaries_cache: Path | None = None
    ) -> EmbeddedPostgres:
        """Start the cluster in `folder`, making both at the first start; recovers after any crash.

        settings: over DEFAULTS, PostgreSQL's names and spelling; `port` is a wish, see `.port` for what it became.
        binaries_cache: where a private copy of the binaries goes if the account that runs them cannot reach the wheel.
        Raises FolderInUse (a living launcher has it), StartFailed (with the log's end), PostgresUnavailable, BadInput.
        """
        if wrong := FIXED & settings.keys():
            raise BadInput(f"setting {min(wrong)} is not yours", where=min(wrong), fix="leave it out")
        who = host.account()
        root = host.binaries(who, binaries_cache)
        home = _Home.take(folder.absolute(), who)
        try:
            home.initialise(root)
            home.clear_leftovers()
            process, port = home.launch(root, {**DEFAULTS, **settings})
        except BaseException:
            home.release()
            raise
        return cls(home, process, port)

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        return self._process.pid

    @property
    def folder(self) -> Path:
        return self._home.folder

    def dsn(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """`postgresql://…` for asyncpg. The superuser's password is filled in; a role's own is the caller's to give."""
        known = self._home.password() if password is None and user == "postgres" else password
        secret = f":{quote(known, safe='')}" if known is not None else ""
        return f"postgresql://{quote(user, safe='')}{secret}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Fast shutdown; at most 9 seconds, whatever the server does. Again is harmless."""
        host.end(self.pid, self.running, lambda seconds: _ended(self._process, seconds))
        self._home.release()

    def kill(self) -> None:
        """kill -9 of the postmaster, as a crash would be. Then `start` the folder again."""
        self._process.kill()
        self._process.wait()
        self._home.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()


class _Home:
    """The folder, held by a lock that the kernel drops with us."""

    def __init__(self, folder: Path, who: Account | None, lock: int) -> None:
        self.folder, self.who, self._lock = folder, who, lock
        self.data, self.log = folder / "data", folder / "postgres.log"

    @classmethod
    def take(cls, folder: Path, who: Account | None) -> _Home:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker = folder / "launcher.lock"
        if not marker.exists() and any(folder.iterdir()):
            raise BadInput(
                f"{folder} holds something else", where="folder", fix="name an empty or a new folder for PostgreSQL"
            )
        lock = os.open(marker, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(lock, 20, 0).decode() or "unknown"
            os.close(lock)
            raise FolderInUse(
                f"process {owner} runs the server in {folder}", fix="Stop it first, or name another folder."
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return cls(folder, who, lock)

    def release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def password(self) -> str:
        return (self.folder / "superuser.password").read_text()

    def initialise(self, root: Path) -> None:
        """initdb beside its final place, then rename: one that was interrupted is never taken for a cluster."""
        if self.data.exists():
            self._check_version()
            return
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._give(fresh)
        with self._password_file() as given:
            command = [str(root / "bin/initdb"), "--pgdata", host.data_argument(fresh, self.who)]
            command += ["--username", "postgres", "--auth", "scram-sha-256", "--pwfile", given]
            command += ["--encoding", "UTF8", "--locale", "C", "--no-instructions"]
            process, log_from = self._child(command, fresh)
            if process.wait() != 0:
                raise self._failed("initdb did not succeed", log_from)
        fresh.rename(self.data)

    def clear_leftovers(self) -> None:
        """What a killed launcher left: its server (we hold the lock, so nobody wants it) or a pid that is another's."""
        pid_file = self.data / "postmaster.pid"
        pid = _first_number(pid_file)
        if pid is None:
            return
        if host.serves(pid, self.data):
            host.end(pid, lambda: host.serves(pid, self.data), lambda seconds: _gone(pid, self.data, seconds))
        if not host.serves(pid, self.data):
            pid_file.unlink(missing_ok=True)

    def launch(self, root: Path, settings: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
        """Until one start holds. Old backends and a port that was taken in between are reasons to try again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        busy: set[int] = set()
        while True:
            port = self._port(settings.get("port"), busy)
            wanted = {**settings, **DOORS, "port": str(port)}
            process, log_from = self._spawn(root, wanted)
            if self._ready(process, deadline):
                (self.folder / "port").write_text(str(port))
                return process, port
            why = self._log_since(log_from)
            if "could not create any TCP/IP sockets" in why:
                busy.add(port)
            elif not _passing(why):
                raise self._failed("the server did not start", log_from)
            if len(busy) > 8 or time.monotonic() > deadline:
                raise self._failed("the server did not start", log_from)
            time.sleep(0.1)

    def _spawn(self, root: Path, settings: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
        command = [str(root / "bin/postgres"), "-D", host.data_argument(self.data, self.who)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return self._child(command, self.data)

    def _child(self, command: list[str], cwd: Path) -> tuple[subprocess.Popen[bytes], int]:
        """Started, and where its part of the log begins."""
        with self._log_file() as log:
            log_from = log.tell()
            try:
                return host.start_tied(command, cwd=cwd, log=log, who=self.who), log_from
            except (OSError, subprocess.SubprocessError) as error:
                raise self._failed(f"cannot run {command[0]} ({error})", log_from) from error

    def _ready(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        """Our child's pid and the word `ready` in the pid file of our folder; an answer on the port proves nothing."""
        while process.poll() is None:
            lines = _lines(self.data / "postmaster.pid")
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7] == "ready":
                return True
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
            time.sleep(0.01)
        return False

    def _port(self, wish: str | None, busy: set[int]) -> int:
        """The wish, else the last one (so a DSN survives a restart), else one picked by the folder's name and up."""
        wishes = [int(text) for text in (wish, "".join(_lines(self.folder / "port"))) if text and text.isdecimal()]
        first = int.from_bytes(hashlib.sha256(os.fsencode(self.folder)).digest()[:4]) % len(PORTS)
        around = (PORTS[(first + step) % len(PORTS)] for step in range(len(PORTS)))
        for port in (*wishes, *around):
            if port not in busy and _free(port):
                return port
        raise StartFailed("no free port on 127.0.0.1", fix=f"Free one of {PORTS.start} to {PORTS.stop}.")

    def _check_version(self) -> None:
        found = "".join(_lines(self.data / "PG_VERSION"))
        if found != MAJOR:
            raise StartFailed(
                f"{self.data} was made by PostgreSQL {found or 'of no version'}, this is {MAJOR}",
                fix="Dump it with the version that made it, or name a new folder.",
            )

    def _give(self, path: Path) -> None:
        if self.who is not None:
            os.chown(path, self.who.uid, self.who.gid)

    @contextlib.contextmanager
    def _password_file(self) -> Iterator[str]:
        """A new password, kept for us and shown to initdb in a file that it may read, named from its current folder."""
        secret = secrets.token_urlsafe(24)
        shown = self.folder / "initdb.password"
        for path in (self.folder / "superuser.password", shown):
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secret)
        self._give(shown)
        self.folder.chmod(0o711 if self.who else 0o700)  # our own folder: passable for the account, listable for nobody
        try:
            yield os.path.join("..", shown.name)  # noqa: PTH118 - relative on purpose, the way up is not closed here
        finally:
            shown.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _log_file(self) -> Iterator[IO[bytes]]:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            yield log

    def _log_since(self, position: int) -> str:
        with self.log.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")

    def _failed(self, what: str, log_from: int) -> StartFailed:
        tail = "\n".join(self._log_since(log_from).splitlines()[-8:])
        return StartFailed(f"{what} in {self.folder}", fix=f"Its log ({self.log}) ends with:\n{tail}")


def _passing(why: str) -> bool:
    """Backends of a killed server are still leaving, or its pid file is not yet theirs to lose."""
    return "is still in use" in why or "already exists" in why


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return []


def _first_number(path: Path) -> int | None:
    first = (_lines(path) or [""])[0]
    return int(first) if first.isdecimal() else None


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _gone(pid: int, data: Path, seconds: float) -> bool:
    return _within(seconds, lambda: not host.serves(pid, data) or not psutil.pid_exists(pid))


def _within(seconds: float, done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
