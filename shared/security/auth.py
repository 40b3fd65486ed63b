"""Bearer tokens with roles. Closed by default: a route without a role does not exist."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from shared.http.problem import NotAllowed, NotAuthenticated
from shared.security.vault import DEVELOPMENT, SampleSecrets

Role = Literal["operator", "seller", "service"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. A seller sees its own orders and nobody else's; `seller` is empty for operators and services."""

    role: Role
    seller: str
    name: str

    def sees(self, seller: str) -> bool:
        return self.role != "seller" or self.seller == seller


class Tokens:
    """Known tokens by their SHA-256: the file that keeps them does not let anybody in."""

    def __init__(self, known: dict[str, Principal]) -> None:
        self._known = known

    @classmethod
    def load(cls, path: Path, *, production: bool) -> Tokens:
        """`{"<sha256 of token>": {"role", "seller", "name"}}`."""
        raw = json.loads(path.read_text()) if path.exists() else {}
        known = {digest: Principal(**entry) for digest, entry in raw.items()}
        if production and any(principal.name.startswith(DEVELOPMENT) for principal in known.values()):
            raise SampleSecrets(f"{path.name} holds development tokens")
        return cls(known)

    def principal(self, authorization: str, *roles: Role) -> Principal:
        """Who this `Authorization` header is, if the role is one of `roles`."""
        scheme, _, token = authorization.partition(" ")
        principal = self._known.get(digest(token.strip())) if scheme.lower() == "bearer" else None
        if principal is None:
            raise NotAuthenticated("send `Authorization: Bearer <token>`")
        if principal.role not in roles:
            raise NotAllowed(f"this needs one of: {', '.join(roles)}")
        return principal


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# What each token is called, its role, and whose orders it opens.
_DEVELOPMENT: Final[tuple[tuple[str, Role, str], ...]] = (
    ("operator", "operator", ""),
    ("seller", "seller", "highland-coop"),
    ("seller-coast-growers", "seller", "coast-growers"),
    ("service", "service", ""),
)


def development_tokens(folder: Path) -> dict[str, str]:
    """Tokens for a development installation by name, each made once. `tokens.json` keeps their digests only."""
    plain, known = folder / "development-tokens.json", folder / "tokens.json"
    tokens: dict[str, str] = json.loads(plain.read_text()) if plain.exists() else {}
    missing = [entry for entry in _DEVELOPMENT if entry[0] not in tokens]
    if missing:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        tokens |= {name: f"{name}-{secrets.token_urlsafe(24)}" for name, _, _ in missing}
        entries = json.loads(known.read_text()) if known.exists() else {}
        entries |= {
            digest(tokens[name]): {"role": role, "seller": seller, "name": f"{DEVELOPMENT}{name}"}
            for name, role, seller in missing
        }
        for path, content in ((known, entries), (plain, tokens)):
            path.touch(mode=0o600)
            path.write_text(json.dumps(content, indent=1))
    return tokens
