"""The vectors as a folder, and the certificates' private numbers; whatever cases it holds are run."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

Case = dict[str, Any]
ROOT = Path(os.environ.get("CORRIDOR_VECTORS", Path(__file__).parents[1] / "vectors"))


@cache
def wechat() -> tuple[Case, ...]:
    return tuple(json.loads((ROOT / "payments/wechat.json").read_text())["vectors"])


def wechat_of(kind: str) -> list[Case]:
    return [case for case in wechat() if case["kind"] == kind]


@cache
def wechat_account() -> dict[str, str]:
    account: dict[str, str] = json.loads((ROOT / "payments/config.json").read_text())["wechat"]
    return account


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    numbers = json.loads((ROOT / "payments/test_only_keys/private_numbers.json").read_text())[name]
    p, q, e = int(numbers["p"], 16), int(numbers["q"], 16), numbers["e"]
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


def files(folder: str) -> list[Case]:
    return [json.loads(path.read_text()) for path in sorted((ROOT / folder).glob("*.json"))]


def read(path: str) -> bytes:
    return (ROOT / path).read_bytes()


def ids(cases: list[Case]) -> list[str]:
    return [str(case["id"]) for case in cases]
