"""The worked examples in the channels' READMEs: run as they stand, they print what the vectors' own numbers say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROVIDERS = Path(__file__).parents[3] / "services" / "orders" / "providers"


@pytest.mark.parametrize("channel", ["standard_webhooks", "xiaohongshu"])
def test_the_example_prints_the_signature_that_its_comment_shows(channel: str) -> None:
    text = (PROVIDERS / channel / "README.md").read_text("utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    shown = found[1].rstrip().rpartition("# ")[2]

    printed = subprocess.run([sys.executable, "-c", found[1]], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == shown
