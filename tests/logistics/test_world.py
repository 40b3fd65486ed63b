"""Against the partners' world over real HTTP: it shares no code with us, so its signatures check ours and ours check
its."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from deploy.world.app import create
from deploy.world.config import Config, Doors, Durations, Tokens
from deploy.world.keys import load_keys
from services.logistics.settings import LogisticsSettings
from shared.broker.embedded import EmbeddedBroker
from shared.clock import SystemClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.events.values import Sealed
from shared.security.personal import Recipient, seal_recipient
from tests.logistics.conftest import fresh
from tests.logistics.house import House, eventually
from tests.logistics.shipments import ORDER, PARCEL, amended, authorised, cancelled, requested, withdrawn

SCALE = 43_200.0
SCANS = ["picked_up", "arrived_destination", "destination_hub_in", "out_for_delivery"]


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="error", lifespan="on"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def durations() -> Durations:
    return Durations()


@pytest.fixture
async def chain(
    postgres: EmbeddedPostgres, template: str, secrets: Path, durations: Durations
) -> AsyncIterator[tuple[House, FastAPI]]:
    """The service with all its roles, and the world that it talks to."""
    front = FastAPI()
    async with fresh(postgres, template) as name, listening(front) as port:
        base = f"http://127.0.0.1:{port}"
        config = Config(base, secrets, Tokens("", ""), Doors().on(base), time_scale=SCALE, durations=durations)
        world = create(config, load_keys(secrets))
        async with listening(world) as world_port:
            dsn, url = SecretStr(postgres.dsn(name)), f"http://127.0.0.1:{world_port}"
            settings = LogisticsSettings(secrets=secrets, dsn=dsn, world_url=url, time_scale=SCALE)
            broker = EmbeddedBroker(Database(dsn.get_secret_value(), "broker"))
            house = House.open(settings, broker, SystemClock())
            front.include_router(house.service.router)
            house.service.start(("work",))
            yield house, world
            await house.close()


def sealed(house: House, street: str = "测试路1号") -> Sealed:
    whom = Recipient("林晓舟", "13800000000", "CN", "福建省", "福州市", "鼓楼区", street, "350000")
    return seal_recipient(house.service.resources.facts, whom)


async def short(house: House) -> list[str]:
    return [
        getattr(fact, "milestone", "") or fact.type.removeprefix("logistics.").removeprefix("parcel.")
        for fact in await house.spoken()
    ]


async def test_one_parcel_from_the_booking_to_the_delivery(chain: tuple[House, FastAPI]) -> None:
    house, world = chain

    await house.hear(requested(recipient=sealed(house)))
    await eventually(lambda: short(house), ["booked", "waybill-document.accepted"])
    await house.hear(authorised())
    await eventually(lambda: _count(house), 9)

    story = await short(house)
    assert story[:4] == ["booked", "waybill-document.accepted", "packed", "exited"]
    assert sorted(story[4:]) == sorted([*SCANS, "delivered"])
    assert world.state.world.core.books.refused_calls == []
    assert await house.work() == []
    assert await house.quarantined() == []
    assert (await house.shipment(ORDER))["cases"] == []


async def _count(house: House) -> int:
    return len(await house.spoken())


async def test_a_corrected_address_is_declared_anew(chain: tuple[House, FastAPI]) -> None:
    house, world = chain
    await house.hear(requested(recipient=sealed(house)))
    await eventually(lambda: short(house), ["booked", "waybill-document.accepted"])

    there = sealed(house, "测试路2号")
    await house.hear(amended(there))

    await eventually(lambda: short(house), ["booked", "waybill-document.accepted", "waybill-document.accepted"])
    told = [getattr(fact, "recipient_fingerprint", "") for fact in await house.spoken()]
    assert told[-1] == there.fingerprint != told[1]
    assert world.state.world.core.books.refused_calls == []


async def test_a_waybill_is_voided_at_the_carrier(chain: tuple[House, FastAPI]) -> None:
    house, world = chain
    await house.hear(requested(recipient=sealed(house)), cancelled())

    await eventually(lambda: _tail(house), ["booked", "voided"])

    assert world.state.world.cainiao._by_parcel[PARCEL].state == "void"
    assert await house.work() == []


async def _open(house: House) -> int:
    return len(await house.work())


async def _tail(house: House) -> list[str]:
    return [name for name in await short(house) if name != "waybill-document.accepted"]


class TestWithdrawn:
    @pytest.fixture
    async def durations(self) -> Durations:
        return replace(Durations(), packing=0.2 * SCALE, exit=0.2 * SCALE)

    async def test_a_withdrawn_exit_stops_the_parcel_at_the_gate(self, chain: tuple[House, FastAPI]) -> None:
        house, world = chain
        await house.hear(requested(recipient=sealed(house)))
        await eventually(lambda: short(house), ["booked", "waybill-document.accepted"])

        await house.hear(authorised(), withdrawn())
        await eventually(lambda: _open(house), 0)
        await asyncio.sleep(0.6)  # longer than packing and the gate take

        assert await short(house) == ["booked", "waybill-document.accepted"]
        assert world.state.world.warehouse._parcels[PARCEL].state == "withdrawn"
        exit_shown = (await house.shipment(ORDER))["parcels"][0]["exit"]
        assert (exit_shown["authorised"], exit_shown["warehouse_knows"]) == (False, True)
