from __future__ import annotations
import asyncio, tempfile, socket
from pathlib import Path
import asyncpg, pytest
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.broker.embedded import EmbeddedBroker
from tests.contracts.broker_contract import BrokerContract, Engine, world
from tests.contracts.broker_faults import BrokerFaults

class EmbeddedEngine(Engine):
    name = "embedded"
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp()); 
        with socket.socket() as s: s.bind(("127.0.0.1",0)); self.port=s.getsockname()[1]
        self.pg=None; self.brokers=[]
    def _start(self): 
        self.pg = EmbeddedPostgres.start(self.folder/"pg", settings={"port":str(self.port)})
    async def start_server(self):
        if self.pg is None: await asyncio.to_thread(self._start)
    async def stop_server(self):
        pg,self.pg=self.pg,None; await asyncio.to_thread(pg.stop)
    async def kill_server(self):
        pg,self.pg=self.pg,None; await asyncio.to_thread(pg.kill)
    async def broker(self):
        await self.start_server()
        b=EmbeddedBroker(Database(self.pg.dsn("postgres"),"broker")); self.brokers.append(b); return b
    async def close_brokers(self):
        for b in self.brokers: await b.close()
        self.brokers.clear()
    async def rebalance(self, group, topics):
        c=await asyncpg.connect(self.pg.dsn("postgres"))
        await c.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", f"broker/broker/{group}")
        await c.close()
        return await (await self.broker()).subscribe(group, topics)
E0=None
@pytest.fixture(scope="session")
def _engine():
    e=EmbeddedEngine(); e._start(); yield e
    if e.pg: e.pg.stop()
@pytest.fixture
def engine(_engine): return _engine
class TestEmbedded(BrokerContract, BrokerFaults): pass
