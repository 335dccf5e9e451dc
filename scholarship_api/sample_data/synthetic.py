"""A synthetic catalogue of any size, for load tests and benchmarks of the search.

The rows depend on ``seed`` alone: the clock, hash order and the seeding of the process play no
part, so a benchmark can be repeated anywhere. Only ``random.Random(int).getrandbits`` is used,
the one source of the standard library whose output has not changed between Python versions; all
weights are integers.

Every choice is one lookup in a table that repeats each value in proportion to its weight. That is
what makes a row cheap: no bisection, no floating point.
"""

import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import cycle
from random import Random
from typing import NamedTuple, TypeVar

from scholarship_api.sample_data import words

MARK = "Synthetic record, not a real award."
_SITE = "https://synthetic.example"
_SHORT = 10  # bits of the index of an ordinary table
_LONG = 16  # bits of the index of a table with thousands of values
_AMERICAN = 4000  # organizations
_FOREIGN = 120  # for each currency
# Descriptions have 40 to 120 words. A sentence counts with its slots at their longest, so the real
# text is shorter: aim higher, and stop early with the criteria.
_SHORTEST = 62
_MOST_CRITERIA = 74
_SMALL_WORDS = frozenset({"and", "of", "in", "for", "the", "with"})


T = TypeVar("T")
_Bits = Callable[[int], int]


class _Organization(NamedTuple):
    name: str
    site: str
    email: str
    home: str
    state: str  # empty outside the United States
    country: str
    timezone: str
    field: str  # empty unless the organization serves one field
    statewide: bool


class _Grade(NamedTuple):
    levels: tuple[str, ...]
    label: str
    kinds: tuple[str, ...]
    advanced: bool  # past the first degree, where awards are larger


class _Field(NamedTuple):
    label: str
    related: tuple[str, ...]
    disciplines: tuple[tuple[str, str], ...]  # as in a sentence, as in a title
    professions: tuple[tuple[str, str], ...]
    topics: tuple[tuple[str, str], ...]


class _Sentence(NamedTuple):
    text: str
    length: int  # words at most, once the slots are filled


# Words at most in the values of a slot; one where it is not named here.
_SLOT_WORDS = {
    "org": 8,
    "grades": 6,
    "disc": 4,
    "profs": 3,
    "topic1": 3,
    "topic2": 3,
    "donor": 2,
    "region": 4,
    "home": 3,
    "place": 3,
    "place2": 3,
    "audience": 4,
    "states": 9,
    "fields": 7,
    "money": 4,
    "country": 3,
    "letters": 4,
    "essay1": 4,
    "essay2": 4,
    "community": 3,
    "sport": 3,
    "cause1": 3,
    "cause2": 3,
    "use1": 3,
    "use2": 3,
    "use3": 3,
    "hobby1": 2,
    "hobby2": 2,
    "job": 2,
    "a_job": 3,
    "people": 3,
    "people_low": 3,
    "people2": 3,
    "reviewers": 4,
}
_SLOT = re.compile(r"%\((\w+)\)s")


def _stream(seed: int) -> _Bits:
    return Random(seed).getrandbits  # noqa: S311 - repeatable on purpose, guards nothing


def generate(*, count: int, seed: int) -> Iterator[dict[str, object]]:
    """Yield ``count`` JSON-ready scholarships, the same ones for the same ``seed``.

    The rows of a smaller count are the first rows of a larger one. Keys whose value would be
    null, false, zero or empty are left out. ValueError for a negative count.
    """
    if count < 0:
        raise ValueError("count must not be negative")
    return map(_Writer(seed).row, range(1, count + 1))


def _spread(pairs: Iterable[tuple[T, int]], bits: int = _SHORT) -> tuple[T, ...]:
    """A table of 2**bits entries in which each value takes a share by its integer weight."""
    weighted = tuple(pairs)
    total = sum(weight for _, weight in weighted)
    table: list[T] = []
    reached = 0
    for value, weight in weighted:
        reached += weight
        table.extend([value] * (((reached << bits) // total) - len(table)))
    return tuple(table)


def _zipf(values: Sequence[T], *, offset: int = 2, bits: int = _SHORT) -> tuple[T, ...]:
    """A table by Zipf-Mandelbrot: the weight of rank n is 1 / (n + offset)."""
    return _spread(((v, (1 << 40) // (n + offset)) for n, v in enumerate(values, 1)), bits)


def _title(text: str) -> str:
    """With capitals at word starts, after hyphens too, as in First-Generation."""
    return "".join(
        part if part in _SMALL_WORDS else part[:1].upper() + part[1:]
        for part in re.split("([ -])", text)
    )


def _titled(values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((value, _title(value)) for value in values)


def _sentences(texts: Iterable[str], *, offset: int = 4) -> tuple[_Sentence, ...]:
    return _zipf(
        [
            _Sentence(
                text,
                len(text.split()) + sum(_SLOT_WORDS.get(s, 1) - 1 for s in _SLOT.findall(text)),
            )
            for text in texts
        ],
        offset=offset,
    )


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("Ø", "O").replace("ø", "o"))
    ascii_text = plain.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:48].rstrip("-")


def _organization(
    name: str,
    *,
    home: str,
    timezone: str,
    state: str = "",
    country: str = "US",
    field: str = "",
    statewide: bool = False,
) -> _Organization:
    slug = _slug(name)
    return _Organization(
        name=name,
        site=f"{_SITE}/{slug}",
        email=f"{slug}@synthetic.example",
        home=home,
        state=state,
        country=country,
        timezone=timezone,
        field=field,
        statewide=statewide,
    )


def _compose(families: Iterable[tuple[tuple[str, ...], tuple[str, ...]]]) -> list[str]:
    names = {
        first + last: None
        for firsts, lasts in families
        for first in firsts
        for last in lasts
        if first.lower() != last
    }
    # CRC order mixes the families in a way that no release of Python can change.
    return sorted(names, key=lambda name: (zlib.crc32(name.encode()), name))


def _days(first: date, last: date) -> tuple[str, ...]:
    """Deadlines gather in late winter and spring, and on the 1st, the 15th and month ends."""
    months = (7, 10, 14, 12, 6, 4, 3, 3, 4, 6, 7, 6)
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    popular = (
        (
            day.isoformat(),
            months[day.month - 1]
            * (6 if day.day in (1, 15) or (day + timedelta(days=1)).day == 1 else 1),
        )
        for day in every
    )
    return _spread(popular, _LONG)


def _chance(percent: int) -> tuple[bool, ...]:
    return _spread(((True, percent), (False, 100 - percent)))


def _any(values: Sequence[T], bits: _Bits) -> T:
    return values[bits(_LONG) % len(values)]


def _several(table: Sequence[T], number: int, bits: _Bits) -> list[T]:
    """Different values of an ordinary table."""
    found: list[T] = []
    while len(found) < number:
        value = table[bits(_SHORT)]
        if value not in found:
            found.append(value)
    return found


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _bundles(bits: _Bits, *lists: tuple[str, tuple[str, ...], int]) -> list[dict[str, str]]:
    """Ready sets of slots: one draw and one update in place of twenty of each in every row."""
    tables = [(slots.split(), _zipf(values, offset=offset)) for slots, values, offset in lists]
    bundles = []
    for _ in range(1 << _SHORT):
        bundle: dict[str, str] = {}
        for slots, table in tables:
            bundle.update(zip(slots, _several(table, len(slots), bits), strict=True))
        bundles.append(bundle)
    return bundles


class _World:
    """People, places, fields and organizations: the same for every seed."""

    def __init__(self) -> None:
        stream = _stream(5)
        self.firsts = _zipf(words.FIRST_NAMES, offset=12)
        rare = _compose(words.SURNAME_SYLLABLES)
        self.surnames = _zipf(list(dict.fromkeys([*words.SURNAMES, *rare])), offset=12, bits=_LONG)

        self.states: dict[str, tuple[str, str]] = {}  # name and time zone
        for line in words.STATES:
            code, named = line.split(" ", 1)
            name, timezone = named.rsplit(" ", 1)
            self.states[code] = (name, timezone)
        self.state_table = _zipf(tuple(self.states), offset=3)
        self.neighbours = {s: _zipf(region) for region in words.REGIONS for s in region}
        cities = [(city[:-3], city[-2:]) for city in words.CITIES]
        towns = [
            (town + suffix, self.state_table[stream(_SHORT)])
            for town, suffix in zip(
                _compose(words.PLACE_SYLLABLES), cycle(words.PLACE_SUFFIXES), strict=False
            )
        ]
        self.towns = _zipf(towns, offset=40, bits=_LONG)
        self.places = _zipf([*cities, *towns], offset=8, bits=_LONG)

        self.fields = {
            key: _Field(
                label,
                _zipf(related) if related else (),
                _zipf(_titled(disciplines), offset=1),
                _zipf(_titled(professions), offset=1),
                _zipf(_titled(topics), offset=3),
            )
            for key, (label, related, disciplines, professions, topics) in words.FIELDS.items()
        }
        self.field_table = _zipf(tuple(words.FIELDS), offset=4)
        self.organizations = {
            currency: self._foreign(currency, stream) for currency in words.ABROAD
        } | {"USD": self._american(stream)}

    def _american(self, stream: _Bits) -> tuple[_Organization, ...]:
        found: dict[str, _Organization] = {}
        open_names = _spread((text, weight) for weight, text in words.ORGANIZATIONS_OPEN)
        field_names = _spread((text, weight) for weight, text in words.ORGANIZATIONS_FIELD)
        specialized = _chance(20)
        for state, (state_name, timezone) in self.states.items():
            for text in words.ORGANIZATIONS_STATE:
                name = text % {"state": state_name}
                found[name] = _organization(
                    name, home=state_name, timezone=timezone, state=state, statewide=True
                )
        while len(found) < _AMERICAN:
            field = self.field_table[stream(_SHORT)] if specialized[stream(_SHORT)] else ""
            pattern = (field_names if field else open_names)[stream(_SHORT)]
            # Schools only in invented towns: a real one must not seem to offer these awards.
            school = "University" in pattern or "College" in pattern or "School" in pattern
            town, state = (self.towns if school else self.places)[stream(_LONG)]
            name = self._organization_name(pattern, town, field or "other", stream)
            timezone = self.states[state][1]
            found.setdefault(
                name,
                _organization(name, home=town, timezone=timezone, state=state, field=field),
            )
        return self._by_popularity(found.values())

    def _foreign(self, currency: str, stream: _Bits) -> tuple[_Organization, ...]:
        found: dict[str, _Organization] = {}
        patterns = _spread(
            (text, weight)
            for weight, text in words.ORGANIZATIONS_OPEN
            if "University" not in text and "College" not in text
        )
        while len(found) < _FOREIGN:
            country, timezone, cities = _any(words.ABROAD[currency], stream)
            town = _any(cities, stream)
            name = self._organization_name(patterns[stream(_SHORT)], town, "other", stream)
            found.setdefault(
                name,
                _organization(name, home=town, timezone=timezone, country=country),
            )
        return self._by_popularity(found.values())

    def _organization_name(self, pattern: str, town: str, field: str, stream: _Bits) -> str:
        chosen = self.fields[field]
        return pattern % {
            "place": town,
            "first": self.firsts[stream(_SHORT)],
            "last": self.surnames[stream(_LONG)],
            "last2": self.surnames[stream(_LONG)],
            "firm": _any(words.FIRMS, stream),
            "theme": _any(words.THEMES, stream),
            "Disc": chosen.disciplines[stream(_SHORT)][1],
            "Profs": chosen.professions[stream(_SHORT)][1],
        }

    @staticmethod
    def _by_popularity(found: Iterable[_Organization]) -> tuple[_Organization, ...]:
        ranked = sorted(found, key=lambda org: (zlib.crc32(org.name.encode()), org.name))
        return _zipf(ranked, offset=25, bits=_LONG)


class _Facts:
    """Shares and distributions of the structured fields."""

    def __init__(self) -> None:
        usual = _zipf(("Scholarship", "Award", "Grant", "Prize", "Bursary"), offset=0)
        advanced = _zipf(("Fellowship", "Scholarship", "Grant", "Award", "Prize"), offset=1)
        hs, ug, gr = "high_school", "undergraduate", "graduate"
        dr, pd = "doctoral", "post_doctoral"
        self.grades = _spread(
            (_Grade(levels, label, kinds, kinds is advanced), weight)
            for weight, levels, label, kinds in (
                (30, (ug,), "undergraduate students", usual),
                (22, (hs,), "high school seniors", usual),
                (14, (ug, gr), "undergraduate and graduate students", usual),
                (12, (hs, ug), "high school seniors and undergraduate students", usual),
                (10, (), "students", usual),
                (5, (gr,), "graduate students", advanced),
                (4, (gr, dr), "graduate students and doctoral candidates", advanced),
                (2, (dr,), "doctoral candidates", advanced),
                (1, (pd,), "postdoctoral researchers", advanced),
            )
        )
        self.types = _spread(
            (
                ("merit_based", 40),
                ("need_based", 24),
                ("academic_achievement", 14),
                ("community_service", 9),
                ("minority", 8),
                ("athletic", 5),
            )
        )
        # Organizations of one field add the rest of the 65 % that name a field.
        self.has_field = _chance(56)

        self.currencies = _spread(
            (("USD", 850), ("CAD", 52), ("GBP", 44), ("EUR", 36), ("AUD", 12), ("NZD", 6))
        )
        self.money = _spread(
            (("usual", 765), ("odd", 85), ("cents", 10), ("range", 100), ("none", 40))
        )
        common = (1000, 500, 2000, 2500, 5000, 1500, 10000, 3000, 750, 4000, 250, 20000, 7500)
        large = (5000, 10000, 2500, 20000, 15000, 25000, 7500, 30000, 12000, 40000, 50000, 75000)
        self.amounts = _zipf((*common, *large, 1250, 6000, 3500, 1200, 800, 100000), offset=3)
        self.large_amounts = _zipf((*large, 1000, 2000, 8000, 18000, 36000, 60000), offset=2)
        self.odd_amounts = _zipf(range(125, 6000, 25), offset=60)
        self.cents = _zipf(range(25001, 999999, 4243), offset=60)
        self.factors = _zipf((2, 3, 4, 5, 10), offset=0)
        awards = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 40, 50, 100, 500)
        self.awards = _spread(((0, 300), *((n, 2000 // (n + 1)) for n in awards)))

        self.deadlines = _spread(
            (
                ("yearly", 600),
                ("past", 100),
                ("future", 92),
                ("instant", 8),
                ("rolling", 130),
                ("unknown", 70),
            )
        )
        self.dates = {
            "yearly": _days(date(2025, 1, 1), date(2025, 12, 31)),
            "past": _days(date(2023, 1, 1), date(2025, 12, 31)),
            "future": _days(date(2028, 1, 1), date(2035, 12, 31)),
        }
        # Early in the year, so that WINTER_OFFSETS holds.
        self.instants = tuple(
            f"{year}-{day}T{clock}"
            for year in range(2028, 2036)
            for day in ("01-15", "01-31", "02-01", "02-15", "02-28", "03-01", "03-03", "03-04")
            for clock in ("17:00:00", "23:59:00", "12:00:00", "17:00:00")
        )
        self.renewable = _chance(24)
        self.essay = _chance(58)
        self.letters = _spread(((0, 38), (1, 27), (2, 26), (3, 9)))

        self.gpas = _spread(
            (
                (0, 190),
                *((n, 40 if n in (25, 30, 35) else 8) for n in range(20, 36)),
                *((n, 2) for n in range(36, 40)),
            )
        )
        self.has_max_gpa = _chance(1)
        self.citizenship = _spread(
            (("", 430), ("US", 440), ("permanent_resident", 65), ("international", 35), ("*", 30))
        )
        self.citizenship_abroad = _spread(
            (("", 520), ("home", 280), ("international", 150), ("*", 50))
        )
        self.origins = _zipf(words.ORIGINS)
        self.has_residency = _chance(30)
        self.more_states = _spread(((0, 75), (2, 25)))
        self.more_fields = _spread(((0, 58), (1, 25), (2, 17)))
        self.min_ages = _spread(
            ((0, 300), (18, 10), (16, 4), (17, 3), (21, 2), (25, 2), (14, 1), (30, 1))
        )
        self.max_ages = _spread(((0, 700), (25, 6), (30, 4), (35, 3), (40, 1)))
        self.need = _chance(9)


class _Phrases:
    """Names, sentences and the words that fill them."""

    def __init__(self) -> None:
        stream = _stream(9)
        self.selections = _bundles(
            stream,
            ("quality1 quality2 quality3 quality4", words.QUALITIES, 3),
            ("adj1 adj2", words.ADJECTIVES, 2),
            ("cause1 cause2", words.CAUSES, 2),
            ("use1 use2 use3", words.USES, 1),
            ("sport", words.SPORTS, 2),
            ("community", words.COMMUNITIES, 3),
            ("reviewers", words.REVIEWERS, 2),
        )
        self.memories = _bundles(
            stream,
            ("hobby1 hobby2", words.HOBBIES, 3),
            ("job", words.JOBS, 3),
            ("people_low people2", words.PEOPLE, 2),
            ("essay1 essay2", words.ESSAY_TOPICS, 1),
            ("essay_words", ("500", "250", "300", "750", "1000", "400", "650", "600"), 1),
            ("audience", words.AUDIENCES, 1),
            ("Theme", words.THEMES, 3),
            ("Year", tuple(str(year) for year in range(1999, 1940, -1)), 30),
            ("Local", tuple(str(number) for number in range(11, 1998, 31)), 30),
            ("big", tuple(str(number) for number in range(100, 3500, 50)), 5),
        )
        for bundle in self.selections:
            bundle["adj2c"] = bundle["adj2"].capitalize()
            bundle["Cause"] = _title(bundle["cause1"])
            bundle["Sport"] = _title(bundle["sport"])
            bundle["Community"] = _title(bundle["community"])
        for bundle in self.memories:
            job = bundle["job"]
            bundle["a_job"] = f"an {job}" if job[0] in "aeiou" else f"a {job}"
            bundle["people"] = bundle["people_low"].capitalize()
            bundle["Audience"] = _title(bundle["audience"])
        self.years = tuple(str(1921 + n % 103) for n in range(1 << _SHORT))
        self.births = tuple(str(1889 + n % 71) for n in range(1 << _SHORT))

        self.openings = _sentences(words.OPENINGS)
        self.purpose_field = _sentences(words.PURPOSE_FIELD)
        self.purpose_open = _sentences(words.PURPOSE_OPEN)
        self.purpose_type = {k: _sentences(v) for k, v in words.PURPOSE_BY_TYPE.items()}
        self.has_type_purpose = _chance(80)
        self.stated = _chance(62)
        self.criteria = {k: _sentences(v) for k, v in words.CRITERIA.items()}
        self.targets = _spread(((_SHORTEST, 50), (68, 30), (78, 14), (90, 6)))
        roles = [_sentences(texts, offset=2) for texts in words.ROLES]
        # A short text has only the first roles of its order.
        self.orders = tuple(
            [left.pop(stream(_LONG) % len(left)) for _ in roles]
            for left in (list(roles) for _ in range(1 << _SHORT))
        )
        self.names_field = _zipf(words.NAMES_FIELD, offset=3)
        self.names_open = _zipf(words.NAMES_OPEN, offset=3)
        self.names_type = {k: _zipf(v, offset=1) for k, v in words.NAMES_BY_TYPE.items()}
        self.type_in_name = {True: _chance(38), False: _chance(64)}  # by: has a field
        self.field_in_name = _chance(90)


class _Tables:
    def __init__(self) -> None:
        self.world = _World()
        self.facts = _Facts()
        self.phrases = _Phrases()


# About 0.1 s to build and a few megabytes: neither at import nor twice.
_tables = cache(_Tables)


class _Writer:
    """Writes the rows of one seed, in order.

    ``slots`` holds the words that fill the templates of the current row, ``wanted`` the names of
    the facts that its description may state.
    """

    def __init__(self, seed: int) -> None:
        tables = _tables()
        self.world, self.facts, self.phrases = tables.world, tables.facts, tables.phrases
        self.bits = _stream(seed)
        self.slots: dict[str, str] = {}
        self.wanted: list[str] = []

    def row(self, number: int) -> dict[str, object]:
        facts, bits, slots = self.facts, self.bits, self.slots
        self.wanted = []
        currency = facts.currencies[bits(10)]
        org = self.world.organizations[currency][bits(16)]
        award_type = facts.types[bits(10)]
        grade = facts.grades[bits(10)]
        field = org.field
        if not field and facts.has_field[bits(10)]:
            field = self.world.field_table[bits(10)]
        slots["org"] = org.name
        slots["home"] = slots["region"] = org.home
        slots["grades"] = grade.label
        slots["Kind"] = kind = grade.kinds[bits(10)]
        slots["kind"] = kind.lower()

        criteria: dict[str, object] = {}
        self._study(criteria, grade)
        self._origin(criteria, org)
        if field:
            self._field(criteria, field)
        self._circumstances(criteria, award_type)

        row: dict[str, object] = {
            "id": f"synthetic_{number:08d}",
            "name": self._name(award_type, field),
            "organization": org.name,
            "description": "",  # keeps its place until all facts are known
        }
        self._money(row, currency, grade)
        self._deadline(row, org.timezone)
        row["scholarship_type"] = award_type
        self._effort(row)
        if criteria:
            row["eligibility_criteria"] = criteria
        row["website_url"] = org.site
        row["application_url"] = f"{org.site}/apply/{number}"
        row["source_url"] = f"{_SITE}/records/{number}"
        row["contact_email"] = org.email
        row["description"] = self._description(award_type, field)
        return row

    def _study(self, criteria: dict[str, object], grade: _Grade) -> None:
        facts, bits = self.facts, self.bits
        tenths = facts.gpas[bits(10)]
        if tenths:
            criteria["min_gpa"] = tenths / 10
            self.slots["gpa"] = f"{tenths / 10}"
            self.wanted.append("gpa")
        elif facts.has_max_gpa[bits(10)]:
            criteria["max_gpa"] = 3.5
        if grade.levels:
            criteria["grade_levels"] = list(grade.levels)

    def _origin(self, criteria: dict[str, object], org: _Organization) -> None:
        facts, world, bits, slots = self.facts, self.world, self.bits, self.slots
        citizenship = (facts.citizenship if org.state else facts.citizenship_abroad)[bits(10)]
        if citizenship:
            if citizenship == "home":
                citizenship = org.country
            elif citizenship == "*":
                citizenship = facts.origins[bits(10)]
            criteria["citizenship_required"] = citizenship
            country = words.COUNTRY_NAMES.get(citizenship)
            if country:
                slots["country"] = country
            self.wanted.append("country" if country else citizenship)
        if org.statewide or (org.state and facts.has_residency[bits(10)]):
            states = [org.state]
            if not org.statewide:
                for _ in range(facts.more_states[bits(10)]):
                    near = world.neighbours[org.state][bits(10)]
                    if near not in states:
                        states.append(near)
            names = [world.states[state][0] for state in states]
            criteria["residency_states"] = states
            slots["region"] = names[0]
            slots["states"] = _listed(names)
            self.wanted.append("states")

    def _field(self, criteria: dict[str, object], field: str) -> None:
        bits, slots, fields = self.bits, self.slots, self.world.fields
        chosen = fields[field]
        slots["disc"], slots["Disc"] = chosen.disciplines[bits(10)]
        slots["profs"], slots["Profs"] = chosen.professions[bits(10)]
        slots["topic1"], slots["Topic"] = topic = chosen.topics[bits(10)]
        other = chosen.topics[bits(10)]
        while other is topic:
            other = chosen.topics[bits(10)]
        slots["topic2"] = other[0]
        named = [field]
        if chosen.related:
            for _ in range(self.facts.more_fields[bits(10)]):
                related = chosen.related[bits(10)]
                if related not in named:
                    named.append(related)
            if len(named) > 1:
                slots["fields"] = _listed([fields[key].label for key in named])
                self.wanted.append("fields")
        criteria["fields_of_study"] = named

    def _circumstances(self, criteria: dict[str, object], award_type: str) -> None:
        facts, bits = self.facts, self.bits
        age = facts.min_ages[bits(10)]
        if age:
            criteria["min_age"] = age
            self.slots["min_age"] = str(age)
            self.wanted.append("min_age")
        else:
            age = facts.max_ages[bits(10)]
            if age:
                criteria["max_age"] = age
                self.slots["max_age"] = str(age)
                self.wanted.append("max_age")
        if award_type == "need_based" or facts.need[bits(10)]:
            criteria["financial_need"] = True
            self.wanted.append("need")

    def _money(self, row: dict[str, object], currency: str, grade: _Grade) -> None:
        facts, bits = self.facts, self.bits
        sign = "$" if currency == "USD" else f"{currency} "
        shape = facts.money[bits(10)]
        if shape == "cents":
            cents = facts.cents[bits(10)]
            row["amount"] = cents / 100
            self.slots["money"] = f"{sign}{cents // 100:,}.{cents % 100:02d}"
            self.wanted.append("amount")
        elif shape != "none":
            if shape == "odd":
                amount = facts.odd_amounts[bits(10)]
            else:
                amount = (facts.large_amounts if grade.advanced else facts.amounts)[bits(10)]
            if shape == "range":
                row["amount_min"] = amount
                row["amount_max"] = amount * facts.factors[bits(10)]
            else:
                row["amount"] = amount
                self.slots["money"] = f"{sign}{amount:,}"
                self.wanted.append("amount")
        row["currency"] = currency
        awards = facts.awards[bits(10)]
        if awards:
            row["max_awards"] = awards
            if awards > 1:
                self.slots["awards"] = str(awards)
                self.wanted.append("many")

    def _deadline(self, row: dict[str, object], timezone: str) -> None:
        facts, bits = self.facts, self.bits
        shape = facts.deadlines[bits(10)]
        recurs = "none"
        if shape in ("rolling", "unknown"):
            row["deadline_kind"] = shape
            if shape == "rolling":
                self.wanted.append("rolling")
        else:
            if shape == "instant":
                day = facts.instants[bits(8)] + words.WINTER_OFFSETS[timezone]
            else:
                day = facts.dates[shape][bits(16)]
            row["application_deadline"] = day
            row["deadline_kind"] = "fixed"
            row["deadline_timezone"] = timezone
            if shape == "yearly":
                row["deadline_estimated"] = True
                recurs = "yearly"
        row["recurs"] = recurs

    def _effort(self, row: dict[str, object]) -> None:
        facts, bits = self.facts, self.bits
        if facts.renewable[bits(10)]:
            row["renewable"] = True
            self.wanted.append("renewable")
        if facts.essay[bits(10)]:
            row["essay_required"] = True
            self.wanted.append("essay")
        letters = facts.letters[bits(10)]
        if letters:
            row["recommendation_letters"] = letters
            if letters > 1:
                self.slots["letters"] = f"{('Two', 'Three')[letters - 2]} letters of recommendation"
                self.wanted.append("letters")

    def _name(self, award_type: str, field: str) -> str:
        world, phrases, bits, slots = self.world, self.phrases, self.bits, self.slots
        slots["first"] = first = world.firsts[bits(10)]
        slots["last"] = last = world.surnames[bits(16)]
        slots["donor"] = f"{first} {last}"
        slots["first2"] = world.firsts[bits(10)]
        slots["last2"] = world.surnames[bits(16)]
        slots["place"] = world.places[bits(16)][0]
        slots["place2"] = world.places[bits(16)][0]
        slots.update(phrases.selections[bits(10)])
        slots.update(phrases.memories[bits(10)])
        typed = phrases.names_type.get(award_type)
        if typed and phrases.type_in_name[bool(field)][bits(10)]:
            pattern = typed[bits(10)]
        elif field and phrases.field_in_name[bits(10)]:
            pattern = phrases.names_field[bits(10)]
        else:
            pattern = phrases.names_open[bits(10)]
        return pattern % slots

    def _description(self, award_type: str, field: str) -> str:
        phrases, bits, slots = self.phrases, self.bits, self.slots
        slots["year"] = phrases.years[bits(10)]
        slots["birth"] = phrases.births[bits(10)]
        opening = phrases.openings[bits(10)]
        purpose = (phrases.purpose_field if field else phrases.purpose_open)[bits(10)]
        parts = [opening.text, purpose.text]
        length = opening.length + purpose.length
        if phrases.has_type_purpose[bits(10)]:
            sentence = phrases.purpose_type[award_type][bits(10)]
            parts.append(sentence.text)
            length += sentence.length
        stated = phrases.stated
        for name in self.wanted:
            if length < _MOST_CRITERIA and stated[bits(10)]:
                sentence = phrases.criteria[name][bits(10)]
                parts.append(sentence.text)
                length += sentence.length
        target = phrases.targets[bits(10)]
        for sentences in phrases.orders[bits(10)]:
            if length >= target:
                break
            sentence = sentences[bits(10)]
            parts.append(sentence.text)
            length += sentence.length
        if bits(1):
            parts.append(MARK)
        else:
            parts.insert(0, MARK)
        return " ".join(parts) % slots
