"""`make serve`: the services on one port, no generated traffic. For trying things by hand and for other programs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from deploy.local.house import embedded
from deploy.local.installation import sign_in


async def serve(folder: Path, port: int, world_url: str) -> int:
    """Until Ctrl-C or SIGTERM. DIR/serve.json is written when everything is ready."""
    async with embedded(folder, port=port, world_url=world_url) as house:
        content = house.installation.serve_file(house.urls["orders"])
        print(f"ready: {content['base_url']}   (details in {folder / 'serve.json'})")
        print(f"  tower: {sign_in(content['base_url'], content['tokens']['operator'])}")
        for role, token in content["tokens"].items():
            print(f"  {role} token: {token}")
        for name, connection in content["connections"].items():
            print(f"  connection {name}: POST {connection['path']}", flush=True)
        await asyncio.wait({house.ended})
        house.ended.result()
    return 0
