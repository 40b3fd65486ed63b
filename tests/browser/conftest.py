"""The tower behind a real server, and a real browser before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from tests.support.browser import FLAGS, chromium
from tests.support.neighbour import beside
from tests.support.served import served
from tests.support.tower import Tower, dsn, template, tower

__all__ = ["beside", "browser", "dsn", "site", "template", "tower"]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@dataclass
class Site:
    """A tower that a browser can reach. `complaints`: console messages, script errors, requests that went elsewhere."""

    tower: Tower
    browser: Browser
    base: str
    complaints: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def visitor(self, role: str = "operator", width: int = 1440, **options: str) -> AsyncIterator[Page]:
        """A window of somebody who has signed in through the form ("" for nobody)."""
        context: BrowserContext = await self.browser.new_context(
            base_url=self.base, viewport={"width": width, "height": 900}, locale=options.get("locale", "en-GB"),
            color_scheme="dark" if options.get("scheme") == "dark" else "light",
            java_script_enabled=options.get("javascript") != "off",
        )  # fmt: skip
        page = await context.new_page()
        page.on("console", self._said)
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.set_default_timeout(10_000)
        if role:
            await page.goto("/login")
            await page.fill("#token", self.tower.tokens[role])
            await page.click("button.main")
            await page.wait_for_selector(".bar")
        yield page
        await context.close()

    def _said(self, message: ConsoleMessage) -> None:
        if "status of 404" not in message.text and "status of 401" not in message.text:  # asked for on purpose
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:")):
            self.complaints.append(f"asked {request.url}")


@asynccontextmanager
async def shown(tower: Tower, browser: Browser) -> AsyncIterator[Site]:
    async with served(tower.app) as base:
        try:
            yield Site(tower, browser, base)
        finally:
            tower.service.stopping.set()  # open streams end by themselves


@pytest.fixture
async def site(tower: Tower, browser: Browser) -> AsyncIterator[Site]:
    async with shown(tower, browser) as running:
        yield running
