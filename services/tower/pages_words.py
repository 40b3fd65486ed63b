"""The catalogues from their files, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from services.tower.wording import LANGUAGES, Language, Words, flat

FOLDER: Final = Path(__file__).with_name("words")


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    return flat(tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8")))


def words_in(language: Language, zone: str) -> Words:
    return Words(language, catalogue(language), ZoneInfo(zone), catalogue("en"))


def preferred(asked: str, cookie: str, accept_language: str) -> Language:
    """A cookie before the browser's own wish; English for everybody else."""
    for wish in (asked, cookie, accept_language[:2].lower()):
        for language in LANGUAGES:
            if wish == language:
                return language
    return "en"
