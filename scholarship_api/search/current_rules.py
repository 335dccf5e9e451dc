"""The rules of the search of a process, read once for each version of them."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import from_json

from scholarship_api.catalogue.versions import CatalogueVersions, Version, utc_now
from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search.rules import (
    RULES_BY_DEFAULT,
    Boost,
    Rule,
    SearchRules,
    SeparatedWords,
    normal_words,
)
from scholarship_api.search.sql.rules import read_rules
from scholarship_api.search.text.synonyms import BUILT_IN, SynonymPair

NEVER_CHANGED: Final = b"0"
"""The version of rules when nobody has made one yet, which need not be read."""


class CurrentRules:
    """One per process."""

    def __init__(self, fetch: Fetch, versions: CatalogueVersions) -> None:
        """`fetch` asks the primary, which has all that a version has seen."""
        self._fetch = fetch
        self._versions = versions
        self._rules = RULES_BY_DEFAULT
        self._version = NEVER_CHANGED
        self._read_at = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._reading = asyncio.Lock()

    async def at(self, version: Version) -> SearchRules:
        """The rules with every change that `version` has seen, or newer ones.

        Raises DatabaseUnavailable.
        """
        if version.rules != self._version:
            async with self._reading:
                if version.rules != self._version and version.at >= self._read_at:
                    await self._read()
        return self._rules

    async def _read(self) -> None:
        read_at = utc_now()
        name, content = await read_rules(self._fetch)
        self._rules = parsed(from_json(content))
        self._version, self._read_at = name, read_at
        self._versions.rule_instants = self._rules.instants


def parsed(content: Mapping[str, Any]) -> SearchRules:
    """The rules of the JSON that PostgreSQL writes."""
    by_kind: dict[str, list[tuple[list[str], list[str]]]] = {}
    for entry in content["synonyms"]:
        by_kind.setdefault(entry["kind"], []).append((entry["words"], entry["others"]))
    added = [
        pair
        for words, others in [
            *((words, words) for words, _ in by_kind.get("two_way", ())),
            *by_kind.get("one_way", ()),
        ]
        for pair in _pairs(words, others)
    ]
    removed = [
        pair
        for words, others in by_kind.get("not_synonyms", ())
        for pair in _pairs(words, others or [""])
    ]
    return SearchRules(
        rules=[
            Rule(
                words=words,
                is_exact=rule["is_exact"],
                pins=tuple(rule["pins"]),
                hides=tuple(rule["hides"]),
                boosts=tuple(
                    Boost(
                        boost["factor"],
                        tuple(boost.get("scholarship_ids") or ()),
                        boost.get("organization"),
                        boost.get("field_of_study"),
                    )
                    for boost in rule["boosts"]
                ),
                starts_at=_instant(rule["starts_at"]),
                ends_at=_instant(rule["ends_at"]),
            )
            for rule in content["rules"]
            if (words := normal_words(rule["query"]))
        ],
        separated=[
            SeparatedWords(tuple(words), tuple(others))
            for words, others in by_kind.get("separate", ())
        ],
        synonyms=BUILT_IN.changed(added, removed=removed) if added or removed else BUILT_IN,
        never_corrected=frozenset(
            word for words, _ in by_kind.get("never_corrected", ()) for word in words
        ),
        synonyms_changed_at=_instant(content["synonyms_changed_at"]),
    )


def _pairs(words: list[str], others: list[str]) -> list[SynonymPair]:
    return [(tuple(one.split()), tuple(other.split())) for one in words for other in others]


def _instant(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)
