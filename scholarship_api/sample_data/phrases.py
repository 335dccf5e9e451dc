"""Names and sentences of the synthetic catalogue, and the words that fill them."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from scholarship_api.sample_data.tables import (
    LARGE_TABLE_BITS,
    TABLE_BITS,
    Bits,
    chance_table,
    choose_distinct,
    random_bits,
    weighted_table,
    zipf_table,
)
from scholarship_api.sample_data.words import names, sentences, topics
from scholarship_api.sample_data.world import title

MIN_TARGET_WORDS = 62
"""Words that the shortest description aims for.

Descriptions have 40 to 120 words. A sentence counts with its slots at their longest, so the text
is shorter than its target.
"""


class Sentence(NamedTuple):
    text: str
    length: int  # words at most, once the slots are filled


# The most words that a value of a slot has; one if the slot is not named here.
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


def sentence_table(texts: Iterable[str], *, offset: int = 4) -> tuple[Sentence, ...]:
    return zipf_table(
        [
            Sentence(
                text,
                len(text.split()) + sum(_SLOT_WORDS.get(s, 1) - 1 for s in _SLOT.findall(text)),
            )
            for text in texts
        ],
        offset=offset,
    )


def slot_bundles(bits: Bits, *lists: tuple[str, tuple[str, ...], int]) -> list[dict[str, str]]:
    """Prepare sets of slots, so that a row needs one draw instead of twenty."""
    tables = [(slots.split(), zipf_table(values, offset=offset)) for slots, values, offset in lists]
    bundles = []
    for _ in range(1 << TABLE_BITS):
        bundle: dict[str, str] = {}
        for slots, table in tables:
            bundle.update(zip(slots, choose_distinct(table, len(slots), bits), strict=True))
        bundles.append(bundle)
    return bundles


class Phrases:
    """Names, sentences and the words that fill them."""

    def __init__(self) -> None:
        stream = random_bits(9)
        self.selections = slot_bundles(
            stream,
            ("quality1 quality2 quality3 quality4", topics.QUALITIES, 3),
            ("adj1 adj2", topics.ADJECTIVES, 2),
            ("cause1 cause2", topics.CAUSES, 2),
            ("use1 use2 use3", topics.USES, 1),
            ("sport", topics.SPORTS, 2),
            ("community", topics.COMMUNITIES, 3),
            ("reviewers", topics.REVIEWERS, 2),
        )
        self.memories = slot_bundles(
            stream,
            ("hobby1 hobby2", topics.HOBBIES, 3),
            ("job", topics.JOBS, 3),
            ("people_low people2", topics.PEOPLE, 2),
            ("essay1 essay2", topics.ESSAY_TOPICS, 1),
            ("essay_words", ("500", "250", "300", "750", "1000", "400", "650", "600"), 1),
            ("audience", topics.AUDIENCES, 1),
            ("Theme", topics.THEMES, 3),
            ("Year", tuple(str(year) for year in range(1999, 1940, -1)), 30),
            ("Local", tuple(str(number) for number in range(11, 1998, 31)), 30),
            ("big", tuple(str(number) for number in range(100, 3500, 50)), 5),
        )
        for bundle in self.selections:
            bundle["adj2c"] = bundle["adj2"].capitalize()
            bundle["Cause"] = title(bundle["cause1"])
            bundle["Sport"] = title(bundle["sport"])
            bundle["Community"] = title(bundle["community"])
        for bundle in self.memories:
            job = bundle["job"]
            bundle["a_job"] = f"an {job}" if job[0] in "aeiou" else f"a {job}"
            bundle["people"] = bundle["people_low"].capitalize()
            bundle["Audience"] = title(bundle["audience"])
        self.years = tuple(str(1921 + n % 103) for n in range(1 << TABLE_BITS))
        self.births = tuple(str(1889 + n % 71) for n in range(1 << TABLE_BITS))

        self.openings = sentence_table(sentences.OPENINGS)
        self.purpose_field = sentence_table(sentences.PURPOSE_FIELD)
        self.purpose_open = sentence_table(sentences.PURPOSE_OPEN)
        self.purpose_type = {k: sentence_table(v) for k, v in sentences.PURPOSE_BY_TYPE.items()}
        self.has_type_purpose = chance_table(80)
        self.stated = chance_table(62)
        self.criteria = {k: sentence_table(v) for k, v in sentences.CRITERIA.items()}
        self.targets = weighted_table(((MIN_TARGET_WORDS, 50), (68, 30), (78, 14), (90, 6)))
        roles = [sentence_table(texts, offset=2) for texts in sentences.ROLES]
        # A short text uses only the first roles of its order.
        self.orders = tuple(
            [left.pop(stream(LARGE_TABLE_BITS) % len(left)) for _ in roles]
            for left in (list(roles) for _ in range(1 << TABLE_BITS))
        )
        self.names_field = zipf_table(names.NAMES_FIELD, offset=3)
        self.names_open = zipf_table(names.NAMES_OPEN, offset=3)
        self.names_type = {k: zipf_table(v, offset=1) for k, v in names.NAMES_BY_TYPE.items()}
        self.type_in_name = {True: chance_table(38), False: chance_table(64)}  # by: has a field
        self.field_in_name = chance_table(90)
