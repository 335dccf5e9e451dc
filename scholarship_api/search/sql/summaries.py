"""SQL for the summaries of awards, as JSON that PostgreSQL makes."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from scholarship_api.catalogue.summaries import shortened_description
from scholarship_api.catalogue.word_boundaries import APOSTROPHES, SEPARATORS, UNSPACED
from scholarship_api.search import limits

_DESCRIPTION_START: Final = f"left(s.description, {limits.MAX_HIGHLIGHTED_CHARACTERS})"

# Parsing words takes most of the time of a highlight, so only the sentences are parsed in which a
# word begins like one of the query. Accents are not removed for this comparison, so a text with any
# is parsed as a whole.
_SENTENCES: Final = f"""CASE octet_length(s.description) WHEN length(s.description) THEN (
        SELECT string_agg(sentence, ' … ')
        FROM string_to_table({_DESCRIPTION_START}, '. ') AS sentence
        WHERE sentence ~* %(word_beginnings)s
    ) END"""

_PASSAGES: Final = f"""concat_ws(' | ', s.name, s.organization,
    coalesce({_SENTENCES}, {_DESCRIPTION_START}))"""


def _with_word_boundaries(text: str) -> str:
    """SQL for the text, in which PostgreSQL's parser finds the words that the index has.

    A control character on both sides keeps a sign from being part of a word. Scripts without spaces
    are taken apart into letters.
    """
    parted = text
    for sign in "-/.@<&+~":
        parted = f"replace({parted}, '{sign}', E'\\x01{sign}\\x01')"
    signs = f"-/.@<&+~{APOSTROPHES}{SEPARATORS}{UNSPACED}"
    return f"""CASE octet_length({text}) WHEN length({text}) THEN {parted} ELSE
        regexp_replace({text} COLLATE "C", '([{signs}])', E'\\x01\\\\1\\x01', 'g') END"""


_HEADLINE: Final = f"""(SELECT ts_headline('public.scholarship',
    {_with_word_boundaries("passages")},
    %(highlighted)s::tsquery,
    E'StartSel=\\x02, StopSel=\\x03, MaxFragments=2, MaxWords=24, MinWords=8,'
    ' FragmentDelimiter=" … "') FROM (SELECT {_PASSAGES} AS passages OFFSET 0) AS text)"""


def _replaced(text: str, replacements: Mapping[str, str]) -> str:
    for old, new in replacements.items():
        text = f"replace({text}, E'{old}', '{new}')"
    return text


# Escaped as html.escape does it. Stored text contains no control characters, so those around the
# found words are replaced last.
MARKED: Final = _replaced(
    _HEADLINE,
    {"\\x01": "", "\\x03\\x02": ""}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\'": "&#x27;"}
    | {"\\x02": "<mark>", "\\x03": "</mark>"},
)
"""SQL for the passages of `s` that match `%(highlighted)s`, as HTML. That parameter and
`%(word_beginnings)s` come from `text/tsquery.py`."""

_ITEM: Final = f"""(SELECT row_to_json(item) FROM (
    SELECT s.id, s.name, s.organization, s.amount, s.currency, s.scholarship_type,
        {shortened_description("s.description")} AS description, s.coverage,
        coalesce(s.flags, '[]') AS flags
) AS item)"""

ITEM: Final = f"{_ITEM}, ''"
"""SQL for the summary of `s` as JSON, without its availability fields; and an empty text."""

ITEM_WITH_TEXTS: Final = f"""{_ITEM},
    concat_ws(E'\\x1e', s.name, s.organization, coalesce({_DESCRIPTION_START}, ''))"""
"""The same with the texts in which `text/highlights.py` marks words. It reads whole texts, so it is
for the rows of one page."""

WORDS: Final = """(SELECT string_agg(DISTINCT known.word, ' ') FROM search_words AS known
    WHERE known.lexeme = ANY (%(lexemes)s::text[]))"""
"""SQL for the words of the catalogue with one of these lexemes."""

AVAILABILITY_SOURCE: Final = """concat_ws(' ', s.status, s.deadline_kind, s.recurs,
    s.deadline_timezone, coalesce(extract(epoch FROM s.application_deadline)::text, '-'),
    extract(epoch FROM s.opens_at))"""
"""SQL for what the availability fields of `s` are computed from."""

COLUMNS: Final = """s.id, s.name, s.organization, s.amount, s.currency, s.scholarship_type,
    s.description, s.status, s.deadline_kind, s.recurs, s.deadline_timezone,
    s.application_deadline, s.opens_at, s.coverage, s.flags"""
"""The columns that ITEM and AVAILABILITY_SOURCE read."""


class Item(NamedTuple):
    """A row of a page, as PostgreSQL writes it; `search/summary.py` completes it."""

    row_version: int
    availability_source: bytes
    json: bytes
    """The JSON of ITEM, with `match` where passages are shown."""
