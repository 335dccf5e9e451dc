"""Streams of requests in which no request occurs twice, so that no cache can answer one."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from random import Random
from typing import Final

from benchmarks.catalogues import Catalogue
from benchmarks.load import CONNECTIONS, Load, Request, closed_loop
from benchmarks.queries import SEARCH, Word, misspelt, pairs, search, vocabulary
from benchmarks.servers import Server
from scholarship_api.vocabulary import STATES, FieldOfStudy, GradeLevel, ScholarshipType

MIN_PREFIX: Final = 3
"""Letters of an incomplete word."""

LIMITS: Final = range(10, 31)
"""Page sizes; a request with another page size is another request."""

Filters = dict[str, object]


def pairs_of_words(awards: Catalogue) -> Iterator[str]:
    """Searches for two words that some awards contain together."""
    for limit in (20, 21, 22, 23):
        for one, other in pairs(_words(awards), rows=awards.rows, seed=limit):
            yield search(q=f"{one.text} {other.text}", limit=limit)


def mixed_searches(awards: Catalogue) -> Iterator[str]:
    """Searches as people make them: words, typos, incomplete words, words and filters, filters.

    Of ten requests four have two words, two one word, one a misspelt word, one an incomplete word,
    one words and filters, and one filters only.
    """
    random = Random(1)  # noqa: S311 - repeatable on purpose
    two = ((f"{one.text} {other.text}") for one, other in _endless_pairs(awards))
    words = _words(awards)
    filters = filter_sets(random)

    def word() -> str:
        return random.choice(words).text

    def one_of_ten(number: int) -> Filters:
        if number < 4:
            return {"q": next(two)}
        if number < 6:
            return {"q": word()}
        if number == 6:
            return {"q": f"{misspelt(word())} {word()}"}
        if number == 7:
            return {"q": f"{word()} {word()[:MIN_PREFIX]}"}
        return {**({"q": word()} if number == 8 else {}), **next(filters)}

    seen: set[str] = set()
    for number in itertools.count():
        path = search(**one_of_ten(number % 10), limit=random.choice(LIMITS))
        if path not in seen:
            seen.add(path)
            yield path


def filter_searches(seed: int = 1) -> Iterator[str]:
    """Searches by one to three filters and without words."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    seen: set[str] = set()
    for filters in filter_sets(random):
        path = search(**filters, limit=random.choice(LIMITS))
        if path not in seen:
            seen.add(path)
            yield path


def filter_sets(random: Random) -> Iterator[Filters]:
    """One to three filters with random values."""
    fields, types, grades = list(FieldOfStudy), list(ScholarshipType), list(GradeLevel)
    states = sorted(STATES)
    choices: dict[str, Callable[[], object]] = {
        "fields_of_study": lambda: random.choice(fields).value,
        "scholarship_types": lambda: random.choice(types).value,
        "states": lambda: ",".join(random.sample(states, random.randint(1, 3))),
        "min_amount": lambda: random.randrange(100, 50_000, 100),
        "max_amount": lambda: random.randrange(500, 100_000, 100),
        "min_gpa": lambda: random.randrange(150, 400) / 100,
        "citizenship": lambda: random.choice(("US", "CA", "MX", "DE", "permanent_resident")),
        "grade_level": lambda: random.choice(grades).value,
        "renewable": lambda: random.choice(("true", "false")),
    }
    while True:
        names = random.sample(sorted(choices), random.randint(1, 3))
        values = {name: choices[name]() for name in names}
        low, high = values.get("min_amount"), values.get("max_amount")
        if isinstance(low, int) and isinstance(high, int) and high < low:
            continue
        yield values


def profiles(seed: int = 1) -> Iterator[dict[str, object]]:
    """Complete profiles of students."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    fields, grades, states = list(FieldOfStudy), list(GradeLevel), sorted(STATES)
    while True:
        yield {
            "gpa": random.randrange(1500, 4000) / 1000,
            "grade_level": random.choice(grades).value,
            "field_of_study": random.choice(fields).value,
            "citizenship": random.choice(("US", "CA", "MX", "DE", "permanent_resident")),
            "state_of_residence": random.choice(states),
            "age": random.randint(14, 40),
            "financial_need": random.random() < 0.5,
        }


def posts(path: str, bodies: Iterator[dict[str, object]]) -> Iterator[Request]:
    """A POST of each body."""
    return (Request(path, json.dumps(body)) for body in bodies)


def new_requests(
    server: Server,
    requests: Iterator[str] | Iterator[Request],
    *,
    most_per_second: int,
    connections: int = CONNECTIONS,
) -> Callable[[float], Load]:
    """A load of requests that are taken from the stream, none of them twice.

    `most_per_second` is more than the server can answer. Raises RuntimeError if it was too low.
    """

    def load(seconds: float) -> Load:
        fresh: Sequence[str | Request] = list(islice(requests, round(seconds * most_per_second)))
        done = closed_loop(server.port, fresh, seconds=seconds, connections=connections)
        if done.requests > len(fresh):
            raise RuntimeError(f"{len(fresh)} requests were too few for {done.requests} answers")
        return done

    return load


def repeated(server: Server, path: str) -> Callable[[float], Load]:
    """A load of one request again and again."""
    return lambda seconds: closed_loop(server.port, [path], seconds=seconds)


def suggestions(letters: str) -> list[str]:
    """The paths that complete each of the letters."""
    return [f"{SEARCH}/suggestions?prefix={letter}" for letter in letters]


def _words(awards: Catalogue) -> list[Word]:
    with awards.connect() as connection:
        return vocabulary(connection, awards.rows)


def _endless_pairs(awards: Catalogue) -> Iterator[tuple[Word, Word]]:
    for seed in itertools.count(1):
        yield from pairs(_words(awards), rows=awards.rows, seed=seed)
