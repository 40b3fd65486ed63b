"""A development installation in one folder: databases, roles, secrets, settings. Made at the first start, found again
later.

DIR/postgres/ the cluster · DIR/secrets/ keys of both sides, tokens, database passwords · DIR/serve.json how to reach
it.
"""

from __future__ import annotations

import json
import secrets
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from deploy.world.keys import make_keys
from services.catalog.app import build as build_catalog
from services.catalog.settings import CatalogSettings
from services.customs.app import build as build_customs
from services.customs.settings import CustomsSettings
from services.logistics.app import build as build_logistics
from services.logistics.settings import LogisticsSettings
from services.orders.app import build as build_orders
from services.orders.settings import OrdersSettings
from services.orders.store import Connections
from services.payments.app import build as build_payments
from services.payments.settings import PaymentsSettings
from services.tower.app import build as build_tower
from services.tower.settings import TowerSettings
from shared.broker.ports import Broker
from shared.db.embedded import EmbeddedPostgres
from shared.db.migrate import provision
from shared.security.auth import development_tokens
from shared.service import Resources, Service
from shared.settings import Settings

ROOT: Final = Path(__file__).resolve().parents[2]
CATALOG: Final = ROOT / "deploy" / "corridors" / "mombasa-fuzhou.catalog.toml"
SERVICES: Final[dict[str, tuple[type[Settings], Callable[[Resources, Any], Service]]]] = {
    "catalog": (CatalogSettings, build_catalog),
    "orders": (OrdersSettings, build_orders),
    "payments": (PaymentsSettings, build_payments),
    "logistics": (LogisticsSettings, build_logistics),
    "customs": (CustomsSettings, build_customs),
    "tower": (TowerSettings, build_tower),
}
CONNECTION: Final = "nairobi-roasters-shopify"
STANDARD: Final = "lamu-tea-house-standard"
XIAOHONGSHU: Final = "savanna-red-xiaohongshu"


@dataclass(frozen=True)
class Installation:
    """Where everything is. `dsns` by database, the broker's among them."""

    folder: Path
    dsns: dict[str, str]
    tokens: dict[str, str]

    @classmethod
    async def prepare(cls, folder: Path, postgres: EmbeddedPostgres) -> Installation:
        secrets_folder = folder / "secrets"
        make_keys(secrets_folder)
        passwords = _passwords(secrets_folder / "databases.json", [*SERVICES, "broker"])
        dsns = {name: await provision(postgres.dsn(), name, password) for name, password in passwords.items()}
        return cls(folder, dsns, development_tokens(secrets_folder))

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def settings(self, name: str, **more: Any) -> Settings:  # noqa: ANN401
        """One service's settings on this installation: `more` over the defaults, values as that service names them."""
        kind, _ = SERVICES[name]
        common: dict[str, Any] = {
            "secrets": self.secrets,
            "dsn": SecretStr(self.dsns[name]),
            "broker_dsn": SecretStr(self.dsns["broker"]),
            "seed": CATALOG,
        }
        return kind.model_validate({key: value for key, value in (common | more).items() if key in kind.model_fields})

    def environment(self, name: str, **more: Any) -> dict[str, str]:  # noqa: ANN401
        """The same settings as `CORRIDOR_*` variables, for a process of its own."""
        settings = self.settings(name, **more)
        raw = {key: getattr(settings, key) for key in settings.model_fields_set}
        plain = {key: v.get_secret_value() if isinstance(v, SecretStr) else v for key, v in raw.items()}
        return {f"CORRIDOR_{key.upper()}": str(value) for key, value in plain.items() if value is not None}

    def build(self, name: str, broker: Broker, /, **more: Any) -> Service:  # noqa: ANN401
        settings = self.settings(name, **more)
        return SERVICES[name][1](Resources.open(name, settings, broker), settings)

    def _secret(self, name: str) -> str:
        return (self.secrets / f"{name}.txt").read_text().strip()

    async def connect_shops(self, orders: Resources, world_url: str) -> None:
        """The development shops' connections; their secrets come from the partners' key files."""
        connections = Connections(orders)
        await connections.add(
            id=CONNECTION, channel="shopify", shop="nairobi-roasters", domain=self._secret("shopify/shop_domain"),
            base_url=world_url, secret=self._secret("shopify/app_secret"), token=self._secret("shopify/admin_token"),
        )  # fmt: skip
        await connections.add(
            id=STANDARD, channel="standard_webhooks", shop="lamu-tea-house", domain=self._secret("standard/shop_id"),
            base_url=f"{world_url}/standard/webhooks", secret=self._secret("standard/secret"),
            token=self._secret("standard/ours"),
        )  # fmt: skip
        await connections.add(
            id=XIAOHONGSHU, channel="xiaohongshu", shop="savanna-red", domain=self._secret("xiaohongshu/seller_id"),
            base_url=world_url, secret=self._secret("xiaohongshu/app_secret"), token=self._secret("xiaohongshu/token"),
            app_key=self._secret("xiaohongshu/app_key"),
        )  # fmt: skip

    def serve_file(self, base_url: str) -> dict[str, Any]:
        """What people and scripts need to use it. Development secrets only, readable by their owner."""
        content = {
            "base_url": base_url,
            "tokens": {name: token for name, token in self.tokens.items() if name != "service"},
            "connections": {
                CONNECTION: {
                    "channel": "shopify",
                    "path": f"/hooks/shopify/{CONNECTION}",
                    "secret": self._secret("shopify/app_secret"),
                    "shop": self._secret("shopify/shop_domain"),
                    "skus": _sold_from("fz-bonded", "highland-coop"),
                },
                STANDARD: {
                    "channel": "standard_webhooks",
                    "path": f"/hooks/standard_webhooks/{STANDARD}",
                    "secret": self._secret("standard/secret"),
                    "shop": self._secret("standard/shop_id"),
                    "skus": _sold_from("msa-origin", "coast-growers"),
                },
                XIAOHONGSHU: {
                    "channel": "xiaohongshu",
                    "path": f"/hooks/xiaohongshu/{XIAOHONGSHU}?shop=gz01",
                    "app_key": self._secret("xiaohongshu/app_key"),
                    "secret": self._secret("xiaohongshu/app_secret"),
                    "shop": self._secret("xiaohongshu/seller_id"),
                    "skus": _sold_from("fz-bonded", "highland-coop"),
                },
            },
        }
        path = self.folder / "serve.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False))
        return content


def _sold_from(location: str, seller: str) -> list[str]:
    """What a seller has in stock there."""
    seed = tomllib.loads(CATALOG.read_text("utf-8"))
    own = [product for product in seed["product"] if product["seller"] == seller]
    return [one["sku"] for one in own if any(lot["location"] == location for lot in one.get("stock", ()))]


def sign_in(tower: str, token: str) -> str:
    """A link that signs in: the token stands behind the #, which no server and no log ever sees."""
    return f"{tower}/login?next=/#token={token}"


def _passwords(path: Path, names: list[str]) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    known |= {name: secrets.token_urlsafe(24) for name in names if name not in known}
    path.touch(mode=0o600)
    path.write_text(json.dumps(known))
    return known
