"""The launcher of a local Kafka: its parts, its process, its data."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.kafka.local import FAST_RECOVERY, LocalKafka
from deploy.kafka.parts import KafkaMissing, jars
from tests.support.kafka import running_kafka

ROOT = Path(__file__).parents[2]


def test_what_is_missing_is_said_with_the_command_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))  # neither mvn nor apt-get

    with pytest.raises(KafkaMissing) as missing:
        jars()

    assert missing.value.reason == "Maven is not installed"
    assert "install maven" in missing.value.fix


def test_a_download_that_fails_leaves_no_half_filled_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mvn").write_text("#!/bin/sh\nmkdir jars; touch jars/half.jar; echo no network; exit 1\n")
    (tmp_path / "mvn").chmod(0o755)
    monkeypatch.setenv("KAFKA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(KafkaMissing, match="no network"):
        jars()

    assert [found.name for found in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_folder_keeps_its_cluster_and_a_broken_setting_is_said(tmp_path: Path) -> None:
    running_kafka()  # so that the parts are known to be there
    with LocalKafka.start(tmp_path / "data", settings=FAST_RECOVERY) as first:
        pass
    with LocalKafka.start(tmp_path / "data", settings=FAST_RECOVERY) as second:
        assert second.running
    assert (second.cluster_id, second.running) == (first.cluster_id, False)

    with pytest.raises(KafkaMissing, match="listeners"):
        LocalKafka.start(tmp_path / "data", settings={"listeners": "NONSENSE"})


def test_no_broker_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    running_kafka()
    program = (
        "import sys, time; from pathlib import Path; from deploy.kafka.local import LocalKafka; "
        "print(LocalKafka.start(Path(sys.argv[1])).pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout
    broker = psutil.Process(int(owner.stdout.readline()))

    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()

    until = time.monotonic() + 10
    while broker.is_running() and broker.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
        time.sleep(0.05)
    assert not broker.is_running() or broker.status() == psutil.STATUS_ZOMBIE
