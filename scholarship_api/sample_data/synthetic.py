"""Generates a synthetic catalogue of any size, for load tests and benchmarks of the search.

The rows depend only on `seed`: not on the clock, on hash order or on the seeding of the process. So
a benchmark can be repeated anywhere. The only source of chance is `random.Random(int).getrandbits`,
whose output has not changed between Python versions; all weights are integers.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from scholarship_api.sample_data import application_parts
from scholarship_api.sample_data.facts import Facts, Grade
from scholarship_api.sample_data.further_criteria import HERITAGES, FurtherCriteria
from scholarship_api.sample_data.phrases import Phrases
from scholarship_api.sample_data.tables import random_bits
from scholarship_api.sample_data.words import places
from scholarship_api.sample_data.world import SITE, Organization, World

MARK: Final = "Synthetic record, not a real award."
"""A sentence of every description."""

_PARTS_SEED: Final = 1 << 32
"""Added to the seed for the later parts of the rows, whose random bits are a stream of their own:
the earlier parts stay the same."""

MAX_WORDS_BEFORE_CRITERIA: Final = 74
"""Words of a description after which it states no more criteria."""


def generate(*, count: int, seed: int) -> Iterator[dict[str, object]]:
    """Yield `count` JSON-ready scholarships, the same ones for the same `seed`.

    The rows of a smaller count are the first rows of a larger one. Keys whose value would be
    null, false, zero or empty are left out. Raises ValueError for a negative count.
    """
    if count < 0:
        raise ValueError("count must not be negative")
    return map(_Writer(seed).row, range(1, count + 1))


def join_names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class _Tables:
    def __init__(self) -> None:
        self.world = World()
        self.facts = Facts()
        self.phrases = Phrases()


# Building the tables takes about 0.1 s and a few megabytes: once, and not at import.
_tables = cache(_Tables)


class _Writer:
    """Writes the rows of one seed, in order.

    `slots` has the words that fill the templates of the current row. `wanted` has the names of the
    facts that its description may state.
    """

    def __init__(self, seed: int) -> None:
        tables = _tables()
        self.world, self.facts, self.phrases = tables.world, tables.facts, tables.phrases
        self.bits = random_bits(seed)
        self.parts_bits = random_bits(seed + _PARTS_SEED)
        self.further = FurtherCriteria(tables.world, self.parts_bits)
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
            "description": "",  # keeps this place in the order; written when all facts are known
        }
        self._money(row, currency, grade)
        self._deadline(row, org.timezone)
        row["scholarship_type"] = award_type
        self._effort(row)
        if award_type == "minority" and slots["community"] in HERITAGES:
            criteria["heritages"] = list(HERITAGES[slots["community"]])
        self._eligibility(row, self.further.sets(criteria, org, grade.levels))
        row.update(application_parts.parts(row, self.parts_bits))
        row["website_url"] = org.site
        row["application_url"] = f"{org.site}/apply/{number}"
        row["source_url"] = f"{SITE}/records/{number}"
        row["contact_email"] = org.email
        row["description"] = self._description(award_type, field)
        return row

    def _eligibility(self, row: dict[str, object], sets: Sequence[dict[str, object]]) -> None:
        if len(sets) > 1:
            row["eligibility_sets"] = list(sets)
        elif sets[0]:
            row["eligibility_criteria"] = sets[0]
        row.update(application_parts.conditions(self.parts_bits))

    def _study(self, criteria: dict[str, object], grade: Grade) -> None:
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

    def _origin(self, criteria: dict[str, object], org: Organization) -> None:
        facts, world, bits, slots = self.facts, self.world, self.bits, self.slots
        citizenship = (facts.citizenship if org.state else facts.citizenship_abroad)[bits(10)]
        if citizenship:
            if citizenship == "home":
                citizenship = org.country
            elif citizenship == "*":
                citizenship = facts.origins[bits(10)]
            criteria["citizenship_required"] = citizenship
            country = places.COUNTRY_NAMES.get(citizenship)
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
            slots["states"] = join_names(names)
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
                slots["fields"] = join_names([fields[key].label for key in named])
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

    def _money(self, row: dict[str, object], currency: str, grade: Grade) -> None:
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
                day = facts.instants[bits(8)] + places.WINTER_OFFSETS[timezone]
            else:
                day = facts.dates[shape][bits(16)]
            row["application_deadline"] = day
            row["deadline_kind"] = "fixed"
            row["deadline_timezone"] = timezone
            if shape == "yearly":
                row["deadline_estimated"] = True
                recurs = "yearly"
                rounds = application_parts.second_round(day, self.parts_bits)
                if rounds:
                    row["rounds"] = rounds
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
            if length < MAX_WORDS_BEFORE_CRITERIA and stated[bits(10)]:
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
