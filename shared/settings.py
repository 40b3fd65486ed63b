"""What every service is told at start: from `CORRIDOR_*` environment variables or by its launcher. No module keeps an
instance."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Common settings; a service adds its own in `settings.py`."""

    model_config = SettingsConfigDict(env_prefix="CORRIDOR_", env_nested_delimiter="__", frozen=True, extra="ignore")

    mode: Literal["development", "production"] = "development"
    corridor: Path = Path(__file__).resolve().parents[1] / "deploy" / "corridors" / "mombasa-fuzhou.toml"
    secrets: Path
    """Folder of keyrings, tokens, provider keys and connections."""
    dsn: SecretStr
    broker: Literal["embedded", "kafka"] = "embedded"
    broker_dsn: SecretStr = SecretStr("")
    """DSN of the embedded log, or Kafka's bootstrap servers."""
    host: str = "127.0.0.1"
    port: int = 8000
    time_scale: float = 1.0
    """Business durations are divided by it; 1 in production. Signature windows, leases and client timeouts never
    are."""
    otlp_endpoint: str = ""
    trace_sample: float = 0.05
    """Share of orders whose steps are recorded; decided by a hash of the order id, so an order is kept whole."""
    receipt_writers: int = 2

    @property
    def production(self) -> bool:
        return self.mode == "production"
