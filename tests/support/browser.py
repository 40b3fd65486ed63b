"""A real Chromium for the pages: Debian's, found on the PATH. Nothing is downloaded by the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

import pytest

MENDS: Final = "apt-get install -y chromium fonts-noto-core fonts-noto-cjk"
# Headless, without a sandbox (a container's root has none) and without anything that talks to the outside by itself.
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


def _found() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


def _install() -> bool:
    """As root on a Debian-like system the suite mends it itself."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update"], check=False, capture_output=True, env=environment)
    return subprocess.run(MENDS.split(), check=False, capture_output=True, env=environment).returncode == 0


def chromium() -> str:
    """The browser's path. Fails where there is none and CI is set; elsewhere skips, and says what mends it."""
    if (found := _found()) or (_install() and (found := _found())):
        return found
    reason = f"no Chromium on this machine: {MENDS}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
