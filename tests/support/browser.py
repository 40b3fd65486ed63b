"""A real Chromium for the pages: Debian's, found on the PATH. Nothing is downloaded by the tests."""

from __future__ import annotations

import os
import shutil
from typing import Final

import pytest

MENDS: Final = "apt-get install -y chromium fonts-noto-core fonts-noto-cjk"
# Headless, without a sandbox (a container's root has none) and without anything that talks to the outside by itself.
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


def chromium() -> str:
    """The browser's path. Fails where there is none and CI is set; elsewhere skips, and says what mends it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found:
        return found
    reason = f"no Chromium on this machine: {MENDS}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
