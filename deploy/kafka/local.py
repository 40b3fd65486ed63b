"""One Kafka node in KRaft mode on this machine, for tests and for BROKER=kafka. Listens on 127.0.0.1 only.

Settings and their reasons: Apache Kafka 4.3.1, measured 2026-11-25.
"""

from __future__ import annotations

import base64
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from deploy.kafka.parts import KafkaMissing, jars, java

# Its end of the pipe closes when we end, however we end, kill -9 too: no broker outlives the run that started it.
GUARD: Final = 'cat >/dev/null; kill -9 "$1" 2>/dev/null'
READY_SECONDS: Final = 60.0  # after kill -9 the controller first waits for the dead broker's session: 11.6 s seen
STOP_SECONDS: Final = 10.0
FORMAT_SECONDS: Final = 60.0
CHECKPOINT: Final = "bootstrap.checkpoint"
JVM: Final = (
    *("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    # One node cannot keep the three copies that these topics have by default.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "offsets.topic.num.partitions": "8",
    "group.initial.rebalance.delay.ms": "0",
    # The cleaner takes 128 MB of heap when it starts: with 300 partitions beside it a heap of 256 MB was full (seen).
    "log.cleaner.dedupe.buffer.size": "8388608",
    "auto.create.topics.enable": "false",  # a mistyped topic must fail, not appear
}
# A test that kills the broker would otherwise wait 9 s for the dead one's session. Production keeps the default.
FAST_RECOVERY: Final = {"broker.session.timeout.ms": "2000", "broker.heartbeat.interval.ms": "500"}


class LocalKafka:
    """A broker process that we started ourselves, and believe only after it has named our own cluster id."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder.resolve()
        self.port, self._controller_port = _free_ports()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.cluster_id = ""
        self._settings = dict(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, folder: Path, *, settings: Mapping[str, str] = {}) -> Self:
        """Ready to be used when it returns; `folder` keeps its data, so that the same folder continues where it ended.

        Raises KafkaMissing where the parts cannot be had or the broker does not come up.
        """
        broker = cls(folder, settings)
        broker.folder.mkdir(parents=True, exist_ok=True)
        broker._write_settings()
        broker.cluster_id = broker._formatted()
        broker._launch()
        return broker

    def stop(self) -> None:
        """SIGTERM, as an operator would; SIGKILL where it does not end in time."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """The same data on the same port, whether it runs or was stopped or killed before."""
        self.stop()
        self._launch()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def log(self) -> Path:
        return self.folder / "kafka.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.stop()

    def _write_settings(self) -> None:
        whole = _settings(self.folder, self.port, self._controller_port) | self._settings
        (self.folder / "server.properties").write_text("".join(f"{name}={value}\n" for name, value in whole.items()))

    def _formatted(self) -> str:
        """The cluster id of this folder, new or found."""
        known = self.folder / "data" / "meta.properties"
        if known.is_file():
            return dict(line.split("=", 1) for line in known.read_text().split() if "=" in line)["cluster.id"]
        # The first byte is fixed: an id that begins with "-" is read as an option.
        cluster_id, directory_id = (base64.urlsafe_b64encode(b"c" + uuid.uuid4().bytes[1:]).decode()[:22] for _ in "12")
        known.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(first_records(), known.parent / CHECKPOINT)
        known.write_text(f"version=1\ncluster.id={cluster_id}\nnode.id=1\ndirectory.id={directory_id}\n")
        return cluster_id

    @property
    def _properties(self) -> str:
        return str(self.folder / "server.properties")

    def _launch(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                run_java("kafka.Kafka", self._properties),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the services, which stop before their broker
            )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "kafka-guard", str(self._process.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise self._failed("the broker did not come up")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return _cluster_id(self.port) == self.cluster_id
        except (OSError, struct.error):
            return False

    def _failed(self, what: str) -> KafkaMissing:
        said = [
            line for line in self.log.read_text(errors="replace").splitlines() if "ERROR" in line or "Exception" in line
        ]
        return KafkaMissing(f"{what}: {' / '.join(said[:3])[:600]}", f"less {self.log}")

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(how)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._guard is not None:  # before the number of the process can mean another one
            self._guard.kill()
            self._guard.communicate()
            self._guard = None


def run_java(*arguments: str) -> list[str]:
    return [str(java()), *JVM, "-cp", f"{jars()}/*", *arguments]


def first_records() -> Path:
    """What a formatted folder begins with. Kafka's own tool makes it once per version of the broker: as it says
    nothing of the folder, every folder may have the same, and a Java process less is a second less at every start."""
    made = jars() / CHECKPOINT
    if not made.is_file():
        with tempfile.TemporaryDirectory(dir=made.parent.parent) as work:
            settings = Path(work, "server.properties")
            settings.write_text(
                "".join(f"{name}={value}\n" for name, value in _settings(Path(work), 9092, 9093).items())
            )
            command = run_java("kafka.tools.StorageTool", "format", "-t", "c" * 21 + "A", "-c", str(settings))
            done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False)
            if done.returncode:
                raise KafkaMissing(
                    f"the storage could not be formatted: {done.stderr.strip()[:300]}", " ".join(command)
                )
            Path(work, "data", CHECKPOINT).replace(made)
    return made


def _settings(folder: Path, port: int, controller_port: int) -> dict[str, str]:
    ours = {
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": str(folder / "data"),
    }
    return {**SETTINGS, **ours}


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _cluster_id(port: int) -> str | None:
    """Metadata of no topic (request 3, version 2 of the Kafka protocol guide); None before there is a controller."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        body = struct.pack(">hhihi", 3, 2, 1, -1, 0)  # key, version, correlation id, no client id, no topics
        connection.sendall(struct.pack(">i", len(body)) + body)
        stream = connection.makefile("rb")
        (size,) = struct.unpack(">i", stream.read(4))
        reply = stream.read(size)
    (brokers,) = struct.unpack_from(">i", reply, 4)
    at = 8
    for _ in range(brokers):
        at = _after_string(reply, at + 4)  # node id, host
        at = _after_string(reply, at + 4)  # port, rack
    end = _after_string(reply, at)
    (controller,) = struct.unpack_from(">i", reply, end)
    return reply[at + 2 : end].decode() if brokers and controller >= 0 else None


def _after_string(data: bytes, at: int) -> int:
    """Where a length-prefixed string ends; length -1 is null."""
    (length,) = struct.unpack_from(">h", data, at)
    return at + 2 + max(0, int(length))
