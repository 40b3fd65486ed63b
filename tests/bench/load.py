"""A load from another process: signed Shopify orders over kept connections. `python -m tests.bench.load URL …`."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import uvloop


def order(number: int, at: str, sku: str = "KE-COF-227") -> dict[str, Any]:
    """An unpaid order of 1.5 kB, as the own shop sends it."""
    money = {"amount": "0.00", "currency_code": "CNY"}
    return {
        "id": 7_000_000_000_000 + number, "name": f"#{number}", "order_number": number, "test": False,
        "created_at": at, "updated_at": at, "processed_at": at, "cancelled_at": None, "cancel_reason": None,
        "closed_at": None, "currency": "CNY", "presentment_currency": "CNY", "financial_status": "pending",
        "fulfillment_status": None, "taxes_included": True,
        "total_line_items_price": "129.00", "total_discounts": "0.00",
        "subtotal_price": "129.00", "total_tax": "0.00", "total_price": "129.00",
        "total_shipping_price_set": {"shop_money": money, "presentment_money": money}, "shipping_lines": [],
        "discount_applications": [], "payment_gateway_names": ["manual"],
        "customer": {"id": 7100000000001, "first_name": "小舟", "last_name": "林"},
        "shipping_address": {
            "first_name": "小舟", "last_name": "林", "name": "林小舟", "address1": "鼓楼区测试路1号", "address2": "",
            "city": "福州市", "province": "福建省", "province_code": None, "zip": "350000", "country": "China",
            "country_code": "CN", "phone": "13800000000",
        },
        "line_items": [
            {
                "id": number * 10 + 1, "product_id": 1, "variant_id": 2, "sku": sku, "title": "Kenya AA coffee 227 g",
                "quantity": 1, "current_quantity": 1, "price": "129.00", "total_discount": "0.00",
                "discount_allocations": [], "tax_lines": [], "taxable": True, "grams": 227, "requires_shipping": True,
                "fulfillment_status": None,
            }
        ],
        "fulfillments": [], "refunds": [],
    }  # fmt: skip


def body_of(number: int, at: str) -> bytes:
    return json.dumps(order(number, at), ensure_ascii=False, separators=(",", ":")).encode()


def request(path: str, host: str, shop: str, secret: bytes, number: int) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    body = body_of(number, at)
    signature = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Shopify-Topic: orders/create\r\nX-Shopify-Hmac-Sha256: {signature}\r\nX-Shopify-Shop-Domain: {shop}\r\n"
        f"X-Shopify-Event-Id: bench-{number}\r\nX-Shopify-Triggered-At: {at}\r\n\r\n"
    )
    return head.encode() + body


async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes) -> bool:
    writer.write(raw)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return head.startswith(b"HTTP/1.1 200")


async def run(url: str, shop: str, secret: str, first: int, count: int, callers: int, rate: float) -> dict[str, Any]:
    """`rate` 0: as fast as the callers go; else an open loop at that many per second, whatever the answers take."""
    parts = urlsplit(url)
    requests = [request(parts.path, parts.netloc, shop, secret.encode(), first + n) for n in range(count)]
    numbers = iter(range(count))
    took: list[float] = []
    bad = 0
    start = time.perf_counter() + 0.2

    async def caller() -> None:
        nonlocal bad
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for n in numbers:
            due = start + n / rate if rate else time.perf_counter()
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            bad += not await send(reader, writer, requests[n])
            took.append(time.perf_counter() - due)
        writer.close()

    await asyncio.gather(*(caller() for _ in range(callers)))
    took.sort()
    return {
        "sent": count, "bad": bad, "seconds": time.perf_counter() - start, "p50_ms": took[len(took) // 2] * 1e3,
        "p99_ms": took[int(len(took) * 0.99)] * 1e3, "max_ms": took[-1] * 1e3,
    }  # fmt: skip


if __name__ == "__main__":
    url, shop, secret, first, count, callers, rate = sys.argv[1:]
    print(json.dumps(uvloop.run(run(url, shop, secret, int(first), int(count), int(callers), float(rate)))))
