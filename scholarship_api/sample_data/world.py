"""People, places, fields of study and organizations of the synthetic catalogue."""

import re
import unicodedata
import zlib
from collections.abc import Iterable
from itertools import cycle
from typing import Final, NamedTuple

from scholarship_api.sample_data.tables import (
    LARGE_TABLE_BITS,
    TABLE_BITS,
    Bits,
    chance_table,
    choose,
    random_bits,
    weighted_table,
    zipf_table,
)
from scholarship_api.sample_data.words import fields, names, people, places, topics

SITE: Final = "https://synthetic.example"
US_ORGANIZATIONS: Final = 4000
ORGANIZATIONS_PER_CURRENCY: Final = 120
"""Organizations outside of the US, for each currency."""

_SMALL_WORDS: Final = frozenset({"and", "of", "in", "for", "the", "with"})


class Organization(NamedTuple):
    name: str
    site: str
    email: str
    home: str
    state: str  # empty outside of the US
    country: str
    timezone: str
    field: str  # empty unless the organization serves one field
    statewide: bool


class Field(NamedTuple):
    label: str
    related: tuple[str, ...]
    disciplines: tuple[tuple[str, str], ...]  # as in a sentence, as in a title
    professions: tuple[tuple[str, str], ...]
    topics: tuple[tuple[str, str], ...]


def title(text: str) -> str:
    """Capitalise each word, also after a hyphen: First-Generation."""
    return "".join(
        part if part in _SMALL_WORDS else part[:1].upper() + part[1:]
        for part in re.split("([ -])", text)
    )


def titled(values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((value, title(value)) for value in values)


def slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("Ø", "O").replace("ø", "o"))
    ascii_text = plain.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:48].rstrip("-")


def make_organization(
    name: str,
    *,
    home: str,
    timezone: str,
    state: str = "",
    country: str = "US",
    field: str = "",
    statewide: bool = False,
) -> Organization:
    name_in_url = slug(name)
    return Organization(
        name=name,
        site=f"{SITE}/{name_in_url}",
        email=f"{name_in_url}@synthetic.example",
        home=home,
        state=state,
        country=country,
        timezone=timezone,
        field=field,
        statewide=statewide,
    )


def compose_names(families: Iterable[tuple[tuple[str, ...], tuple[str, ...]]]) -> list[str]:
    names = {
        first + last: None
        for firsts, lasts in families
        for first in firsts
        for last in lasts
        if first.lower() != last
    }
    # Sorting by CRC mixes the families, and gives the same order in every version of Python.
    return sorted(names, key=lambda name: (zlib.crc32(name.encode()), name))


class World:
    """People, places, fields and organizations, which are the same for every seed."""

    def __init__(self) -> None:
        stream = random_bits(5)
        self.firsts = zipf_table(people.FIRST_NAMES, offset=12)
        rare = compose_names(people.SURNAME_SYLLABLES)
        self.surnames = zipf_table(
            list(dict.fromkeys([*people.SURNAMES, *rare])), offset=12, bits=LARGE_TABLE_BITS
        )

        self.states: dict[str, tuple[str, str]] = {}  # name and time zone
        for line in places.STATES:
            code, named = line.split(" ", 1)
            name, timezone = named.rsplit(" ", 1)
            self.states[code] = (name, timezone)
        self.state_table = zipf_table(tuple(self.states), offset=3)
        self.neighbours = {s: zipf_table(region) for region in places.REGIONS for s in region}
        cities = [(city[:-3], city[-2:]) for city in places.CITIES]
        towns = [
            (town + suffix, self.state_table[stream(TABLE_BITS)])
            for town, suffix in zip(
                compose_names(places.PLACE_SYLLABLES), cycle(places.PLACE_SUFFIXES), strict=False
            )
        ]
        self.towns = zipf_table(towns, offset=40, bits=LARGE_TABLE_BITS)
        self.places = zipf_table([*cities, *towns], offset=8, bits=LARGE_TABLE_BITS)

        self.fields = {
            key: Field(
                label,
                zipf_table(related) if related else (),
                zipf_table(titled(disciplines), offset=1),
                zipf_table(titled(professions), offset=1),
                zipf_table(titled(topics), offset=3),
            )
            for key, (label, related, disciplines, professions, topics) in fields.FIELDS.items()
        }
        self.field_table = zipf_table(tuple(fields.FIELDS), offset=4)
        self.organizations = {
            currency: self._foreign(currency, stream) for currency in places.ABROAD
        } | {"USD": self._american(stream)}

    def _american(self, stream: Bits) -> tuple[Organization, ...]:
        found: dict[str, Organization] = {}
        open_names = weighted_table((text, weight) for weight, text in names.ORGANIZATIONS_OPEN)
        field_names = weighted_table((text, weight) for weight, text in names.ORGANIZATIONS_FIELD)
        specialized = chance_table(20)
        for state, (state_name, timezone) in self.states.items():
            for text in names.ORGANIZATIONS_STATE:
                name = text % {"state": state_name}
                found[name] = make_organization(
                    name, home=state_name, timezone=timezone, state=state, statewide=True
                )
        while len(found) < US_ORGANIZATIONS:
            field = self.field_table[stream(TABLE_BITS)] if specialized[stream(TABLE_BITS)] else ""
            pattern = (field_names if field else open_names)[stream(TABLE_BITS)]
            # Schools are only in invented towns: a real school must not seem to offer these awards.
            school = "University" in pattern or "College" in pattern or "School" in pattern
            town, state = (self.towns if school else self.places)[stream(LARGE_TABLE_BITS)]
            name = self._organization_name(pattern, town, field or "other", stream)
            timezone = self.states[state][1]
            found.setdefault(
                name,
                make_organization(name, home=town, timezone=timezone, state=state, field=field),
            )
        return self._by_popularity(found.values())

    def _foreign(self, currency: str, stream: Bits) -> tuple[Organization, ...]:
        found: dict[str, Organization] = {}
        patterns = weighted_table(
            (text, weight)
            for weight, text in names.ORGANIZATIONS_OPEN
            if "University" not in text and "College" not in text
        )
        while len(found) < ORGANIZATIONS_PER_CURRENCY:
            country, timezone, cities = choose(places.ABROAD[currency], stream)
            town = choose(cities, stream)
            name = self._organization_name(patterns[stream(TABLE_BITS)], town, "other", stream)
            found.setdefault(
                name,
                make_organization(name, home=town, timezone=timezone, country=country),
            )
        return self._by_popularity(found.values())

    def _organization_name(self, pattern: str, town: str, field: str, stream: Bits) -> str:
        chosen = self.fields[field]
        return pattern % {
            "place": town,
            "first": self.firsts[stream(TABLE_BITS)],
            "last": self.surnames[stream(LARGE_TABLE_BITS)],
            "last2": self.surnames[stream(LARGE_TABLE_BITS)],
            "firm": choose(names.FIRMS, stream),
            "theme": choose(topics.THEMES, stream),
            "Disc": chosen.disciplines[stream(TABLE_BITS)][1],
            "Profs": chosen.professions[stream(TABLE_BITS)][1],
        }

    @staticmethod
    def _by_popularity(found: Iterable[Organization]) -> tuple[Organization, ...]:
        ranked = sorted(found, key=lambda org: (zlib.crc32(org.name.encode()), org.name))
        return zipf_table(ranked, offset=25, bits=LARGE_TABLE_BITS)
