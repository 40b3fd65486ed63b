"""What the shop asks the services for: an order by its external id, its state, and to take an identity or an address.

The shape of answers is read with care: only `id`, `state.intent` and `payment` are used.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from deploy.world.core import Core
from deploy.world.http_client import Answer, NoAnswer
from deploy.world.people import Address, Buyer

Json = dict[str, Any]
ENDED: Final = frozenset({"closing", "cancelled", "completed"})


class SellerApi:
    """`token` is the shop's own, the first seller's where none is given."""

    def __init__(self, core: Core, token: str = "") -> None:
        self._core, self._token = core, token or core.config.tokens.seller
        self._url = core.config.doors.orders_api

    async def find(self, external_id: str) -> str:
        """Our order id there; "" while there is none."""
        url = f"{self._url}?external_id={quote(external_id)}"
        answer = await self._ask("GET", url, self._token)
        return _first_id(_parse(answer)) if answer is not None and answer.status == 200 else ""

    async def view(self, order_id: str) -> Json:
        answer = await self._ask("GET", f"{self._url}/{order_id}", self._token)
        body = _parse(answer) if answer is not None and answer.status == 200 else {}
        return body if isinstance(body, dict) else {}

    async def identify(self, order_id: str, buyer: Buyer) -> int:
        """Status of the answer; 0 when there was none."""
        body = {"name": buyer.name, "id_type": "1", "id_number": buyer.id_number, "phone": buyer.phone}
        url = f"{self._url}/{order_id}/identity"
        answer = await self._ask("PUT", url, self._token, body)
        return answer.status if answer else 0

    async def correct(self, order_id: str, buyer: Buyer, address: Address) -> int:
        """The operator's correction of the recipient, whole."""
        body = {
            "name": buyer.name,
            "phone": buyer.phone,
            "country": "CN",
            "province": address.province,
            "city": address.city,
            "district": None,
            "street": f"{address.district}{address.street}",
            "postal_code": address.zip,
        }
        url = f"{self._url}/{order_id}/address"
        answer = await self._ask("POST", url, self._core.config.tokens.operator, body)
        return answer.status if answer else 0

    async def _ask(self, method: str, url: str, token: str, body: Json | None = None) -> Answer | None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        try:
            return await self._core.sender.call(method, url, headers=headers, body=content, timeout=10.0)
        except NoAnswer:
            return None


def intent(view: Json) -> str:
    state = view.get("state")
    return str(state.get("intent", "")) if isinstance(state, dict) else ""


def payment(view: Json) -> Json:
    """`qr`, `out_trade_no` … of the open attempt; empty while there is none."""
    found = view.get("payment")
    return found if isinstance(found, dict) and found.get("qr") else {}


def _first_id(body: Any) -> str:  # noqa: ANN401
    """From `{"id"}`, a list of such, or a list under any name."""
    if isinstance(body, list):
        return _first_id(body[0]) if body else ""
    if not isinstance(body, dict):
        return ""
    if body.get("id"):
        return str(body["id"])
    lists = [value for value in body.values() if isinstance(value, list)]
    return _first_id(lists[0]) if lists else ""


def _parse(answer: Answer) -> Any:  # noqa: ANN401
    try:
        return json.loads(answer.body)
    except ValueError:
        return {}
