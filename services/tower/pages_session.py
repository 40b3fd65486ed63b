"""Signing in: a token, once, becomes a sealed cookie. The cookie opens pages only; APIs want the token itself."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from shared.http.problem import NotAllowed
from shared.security.vault import Keyring, Unopenable

COOKIE: Final = "tower"
PLACE: Final = "tower/session"
LONGEST_FORM: Final = 4096  # bytes


@dataclass(frozen=True)
class Sessions:
    """The cookie holds the token, sealed: a token that is withdrawn ends its sessions, and no table is needed."""

    keys: Keyring = field(repr=False)
    lasts: timedelta
    secure: bool

    def begin(self, response: Response, token: str, now: datetime) -> None:
        raw = json.dumps({"token": token, "until": (now + self.lasts).timestamp()}).encode()
        value = base64.urlsafe_b64encode(self.keys.seal_bytes(raw, place=PLACE)).decode()
        age = int(self.lasts.total_seconds())
        response.set_cookie(COOKIE, value, max_age=age, path="/", httponly=True, samesite="lax", secure=self.secure)

    def end(self, response: Response) -> None:
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=self.secure)

    def authorization(self, request: Request, now: datetime) -> str:
        """The `Authorization` that this request's cookie stands for; "" for none, an old or a foreign one."""
        try:
            sealed = base64.urlsafe_b64decode(request.cookies.get(COOKIE, ""))
            session = json.loads(self.keys.open_bytes(sealed, place=PLACE))
        except (ValueError, Unopenable):
            return ""
        return f"Bearer {session['token']}" if session["until"] > now.timestamp() else ""


def same_origin(request: Request) -> None:
    """A form of another site must not sign anybody in or out."""
    origin = request.headers.get("origin", "")
    if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise NotAllowed("this form was sent from another site")


def local_path(text: str) -> str:
    """Where to go after signing in: a path of this site, whatever the address says."""
    return text if text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() else "/"
