"""Criteria whose values have several parts: service, conditions, groups, institutions, scores.

For each kind there is a function that makes an entry of an award a hashable value of the postings,
and one that holds such a value against an entry of a profile. An award's part that is left out
fits everybody; a profile's part that is left out is unknown.

Kinds with many values have keys, too: a value that shares none with an entry of a profile fails.
"""

import functools
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from scholarship_api.catalogue.read_model.nesting import broader_of, with_broader
from scholarship_api.catalogue.read_model.relations import Outcome, worst_part

Entry = Mapping[str, Any]

SELF: Final = "self"
"""The relation of an entry that states none."""

_APOSTROPHES: Final = "'`\u2018\u2019\u02bb\u02bc"
_NO_WORD: Final = re.compile(r"[\W_]+")


@functools.lru_cache(maxsize=4096)
def folded_name(name: str) -> str:
    """A name without letter case, accents, punctuation, and `the` at its beginning.

    `The University of Hawai'i - Mānoa` and `University of Hawaii, Manoa` are the same.
    """
    decomposed = unicodedata.normalize("NFKD", name.replace("&", " and "))
    plain = "".join(
        one for one in decomposed if not unicodedata.combining(one) and one not in _APOSTROPHES
    )
    return _NO_WORD.sub(" ", plain.casefold()).strip().removeprefix("the ")


def _texts(values: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(sorted(values or ()))


def _codes_fit(vocabulary: str, wanted: Collection[str], given: Collection[str]) -> Outcome:
    """Whether one of the codes is given; a broader one leaves that open."""
    if not wanted:
        return Outcome.MET
    if not given:
        return Outcome.UNKNOWN
    satisfied = {code for each in given for code in with_broader(vocabulary, each)}
    if not satisfied.isdisjoint(wanted):
        return Outcome.MET
    broader = {code for each in wanted for code in broader_of(vocabulary, each)}
    return Outcome.FAILED if broader.isdisjoint(given) else Outcome.UNKNOWN


# --- Military service ----------------------------------------------------------------------------


class Service(NamedTuple):
    relations: tuple[str, ...]
    statuses: tuple[str, ...]
    branches: tuple[str, ...]


def service(entry: Entry) -> Service:
    return Service(
        _texts(entry.get("relations")), _texts(entry.get("statuses")), _texts(entry.get("branches"))
    )


def judge_service(wanted: Service, entry: Entry) -> Outcome:
    return worst_part(
        _codes_fit(f"military_{part}", codes, entry.get(part) or ())
        for part, codes in zip(Service._fields, wanted, strict=True)
    )


# --- Disabilities and health conditions ----------------------------------------------------------


class Condition(NamedTuple):
    condition: str
    relation: str


def condition(entry: Entry) -> Condition:
    return Condition(entry["condition"], entry.get("relation") or SELF)


def judge_condition(wanted: Condition, entry: Entry) -> Outcome:
    if (entry.get("relation") or SELF) != wanted.relation:
        return Outcome.FAILED
    return _codes_fit("conditions", (wanted.condition,), (entry["condition"],))


# --- Groups --------------------------------------------------------------------------------------


class Affiliation(NamedTuple):
    name: str
    """Folded; empty for any group of the kind."""
    kind: str
    relations: tuple[str, ...]
    """Empty for whoever belongs to the group."""


def affiliation(entry: Entry) -> Affiliation:
    return Affiliation(
        folded_name(entry.get("name") or ""),
        entry.get("kind") or "",
        _texts(entry.get("relations")),
    )


def judge_affiliation(wanted: Affiliation, entry: Entry) -> Outcome:
    name, kind = folded_name(entry.get("name") or ""), entry.get("kind")
    if wanted.name and name and wanted.name != name:
        return Outcome.FAILED
    if wanted.kind and kind and wanted.kind != kind:
        # The same name may be filed under another kind: an employer and its union.
        return Outcome.UNKNOWN if wanted.name and name else Outcome.FAILED
    told = (not wanted.name or bool(name)) and (not wanted.kind or bool(kind or name))
    relations = _codes_fit(
        "affiliation_relations", wanted.relations, entry.get("relations") or (SELF,)
    )
    return worst_part((relations, Outcome.MET if told else Outcome.UNKNOWN))


def affiliation_keys(wanted: Affiliation) -> tuple[str]:
    return (wanted.name,)


def affiliation_keys_to_judge(entry: Entry) -> tuple[str, ...] | None:
    name = folded_name(entry.get("name") or "")
    return (name, "") if name else None


# --- Institutions --------------------------------------------------------------------------------


class Institution(NamedTuple):
    unitid: str
    """The number of the US Department of Education; may be empty."""
    name: str
    """Folded; may be empty."""
    state: str


def institution(entry: Entry) -> Institution:
    return Institution(
        str(entry.get("unitid") or ""),
        folded_name(entry.get("name") or ""),
        entry.get("state") or "",
    )


def judge_institution(wanted: Institution, given: Institution) -> Outcome:
    if wanted.unitid and given.unitid:
        return Outcome.MET if wanted.unitid == given.unitid else Outcome.FAILED
    return _judge_named(wanted.name, wanted.state, given.name, given.state)


def institution_keys(wanted: Institution) -> tuple[tuple[str, str], ...]:
    by_state = ("state", wanted.state)
    return (by_state, ("unitid", wanted.unitid)) if wanted.unitid else (by_state,)


def institution_keys_to_judge(given: Institution) -> tuple[tuple[str, str], ...] | None:
    # A value with the same number is met in whatever state it is.
    if not given.state:
        return None
    by_state = (("state", given.state), ("state", ""))
    return (*by_state, ("unitid", given.unitid)) if given.unitid else by_state


def _judge_named(wanted: str, wanted_state: str, name: str, state: str) -> Outcome:
    if wanted_state and state and wanted_state != state:
        return Outcome.FAILED
    if not wanted or not name:
        return Outcome.UNKNOWN
    if wanted != name:
        return Outcome.FAILED
    return Outcome.UNKNOWN if wanted_state and not state else Outcome.MET


# --- Places --------------------------------------------------------------------------------------


class Place(NamedTuple):
    name: str
    """Folded."""
    state: str


FOREIGN: Final = "foreign"
"""The state of a place outside the US, as `answers` gives it."""


def place(entry: Entry) -> Place:
    return Place(folded_name(entry.get("name") or ""), entry.get("state") or "")


def place_keys(wanted: Place) -> tuple[str]:
    return (wanted.state,)


def place_keys_to_judge(given: Place) -> tuple[str, ...] | None:
    return (given.state, "") if given.state else None


def judge_place(wanted: Place, given: Place) -> Outcome:
    return _judge_named(wanted.name, wanted.state, given.name, given.state)


# --- Tests ---------------------------------------------------------------------------------------


class Score(NamedTuple):
    test: str
    """With its section, as sat.math."""
    minimum: float


def score(entry: Entry) -> Score:
    return Score(test_of(entry), float(entry["min"]))


def test_of(entry: Entry) -> str:
    test, section = entry["test"], entry.get("section")
    return f"{test}.{section}" if section else str(test)


def judge_score(wanted: Score, entry: Entry) -> Outcome:
    """An entry without a test stands for the tests that the profile does not mention."""
    if "test" not in entry:
        return Outcome.FAILED if wanted.test in entry["mentioned"] else Outcome.UNKNOWN
    if test_of(entry) != wanted.test:
        return Outcome.FAILED
    return Outcome.MET if float(entry["score"]) >= wanted.minimum else Outcome.FAILED
