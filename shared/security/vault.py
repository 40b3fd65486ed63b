"""Field encryption: AES-256-GCM with a key id, additional data that names the place, and a keyed fingerprint for
equality.

Two kinds of keyring: one for facts, shared by the producer and the named readers (additional data = event type and
field),
and one per service for its own columns. Keys are files; development ones are made at first start.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Permanent
from shared.events.values import Sealed

NONCE: Final = 12
DEVELOPMENT: Final = "dev-"  # production refuses key ids that begin so


class Unopenable(Permanent):
    """Ciphertext that this keyring cannot open: unknown key id, changed bytes, or another place than it was sealed
    for."""

    code = "vault.unopenable"


class SampleSecrets(Permanent):
    """Production must not start on keys that were made for development."""

    code = "vault.sample_secrets"


@dataclass(frozen=True)
class Keyring:
    """`keys` by id; new values are sealed under `current`, old ids only open."""

    keys: dict[str, bytes] = field(repr=False)
    current: str
    fingerprint_key: bytes = field(repr=False)

    @classmethod
    def load(cls, path: Path, *, production: bool) -> Keyring:
        """Read a keyring file, or make a development one where there is none and this is not production."""
        if not path.exists():
            if production:
                raise SampleSecrets(f"no keyring at {path.name}: make one before starting in production")
            _make(path)
        raw = json.loads(path.read_text())
        if production and raw["current"].startswith(DEVELOPMENT):
            raise SampleSecrets(f"{path.name} holds the development key {raw['current']}")
        keys = {key_id: base64.b64decode(key) for key_id, key in raw["keys"].items()}
        return cls(keys, raw["current"], base64.b64decode(raw["fingerprint"]))

    def seal(self, text: str, *, place: str, equal: str, masked: str) -> Sealed:
        """Encrypt `text` for `place` (event type and field, or table and column).

        equal: the normalised value whose equality matters; only its keyed digest leaves.
        masked: what people may see.
        """
        raw = self._encrypt(text.encode(), place)
        return Sealed(self.current, base64.b64encode(raw).decode(), self.fingerprint(equal), masked)

    def open(self, sealed: Sealed, *, place: str) -> str:
        return self._decrypt(sealed.key_id, base64.b64decode(sealed.ciphertext), place).decode()

    def fingerprint(self, value: str) -> str:
        return hmac.new(self.fingerprint_key, value.encode(), hashlib.sha256).hexdigest()[:32]

    def seal_bytes(self, raw: bytes, *, place: str) -> bytes:
        """For columns: key id, a zero byte, nonce, ciphertext and tag."""
        return self.current.encode() + b"\0" + self._encrypt(raw, place)

    def open_bytes(self, sealed: bytes, *, place: str) -> bytes:
        key_id, _, rest = sealed.partition(b"\0")
        return self._decrypt(key_id.decode(errors="replace"), rest, place)

    def _encrypt(self, raw: bytes, place: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + AESGCM(self.keys[self.current]).encrypt(nonce, raw, place.encode())

    def _decrypt(self, key_id: str, raw: bytes, place: str) -> bytes:
        key = self.keys.get(key_id)
        if key is None:
            raise Unopenable(f"no key {key_id[:40]!r} in this keyring")
        try:
            return AESGCM(key).decrypt(raw[:NONCE], raw[NONCE:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise Unopenable(f"sealed for another place than {place}, or changed") from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key_id = f"{DEVELOPMENT}{os.urandom(4).hex()}"
    content = {
        "current": key_id,
        "keys": {key_id: base64.b64encode(os.urandom(32)).decode()},
        "fingerprint": base64.b64encode(os.urandom(32)).decode(),
    }
    # Written beside and moved into place: two services that start at once must not read half a file, nor two
    # different keys.
    draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=1))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
