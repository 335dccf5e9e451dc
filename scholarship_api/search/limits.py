"""Every threshold of the search, once, with its unit in its name.

"Measured" means measured on synthetic catalogues of 100 000 and 1 000 000 awards with the programs
in `benchmarks/`; the program is named beside the figure.
"""

from typing import Final

# --- What one request may ask for ----------------------------------------------------------------

MAX_QUERY_CHARACTERS: Final = 512
"""The longest `q`. docs/api.md promises it."""

MAX_QUERY_WORDS: Final = 32
"""The most words of `q`. PostgreSQL evaluates all of them for every match."""

DEFAULT_PAGE_ROWS: Final = 20
MAX_PAGE_ROWS: Final = 100
"""The rows of a page, `limit`. docs/api.md promises it."""

MAX_OFFSET_ROWS: Final = 10_000
"""The rows that `offset` may skip. They are read and thrown away; a cursor skips none."""

MAX_SIMILAR_AWARDS: Final = 20
"""Awards in an answer; a page shows a few beside the award itself."""

MAX_AWARD_ID_CHARACTERS: Final = 255
"""The length of an id in the catalogue."""

MAX_MULTI_SEARCHES: Final = 10
"""Searches in one request. Together they have the time of one request, 7.5 s."""

MAX_PREFIX_CHARACTERS: Final = 100
"""The longest text to complete. Names of awards are rarely longer."""

DEFAULT_SUGGESTIONS: Final = 10
MAX_SUGGESTIONS: Final = 20
"""Completions in one answer."""

# --- Cursors -------------------------------------------------------------------------------------

MAX_CURSOR_CHARACTERS: Final = 6_000
"""The longest cursor. One of a query of 32 words with synonyms takes about 1 100."""

MAX_CURSOR_BYTES: Final = 32_768
"""The decompressed JSON of a cursor. Decompression stops here, so that a small cursor cannot fill
the memory."""

MAX_CURSOR_KEY_CHARACTERS: Final = 300
"""A value of the sort key. The longest is the id of an award."""

MAX_PAGE_NUMBER: Final = 1_000_000
"""The number of a page that a walk has reached stays here from then on."""

MAX_TSQUERY_CHARACTERS: Final = 4_096
"""A tsquery text of a query, and so of a cursor. The words of the longest q with their completions
and synonyms stay below 3 000; combinations of words that exceed the limit are not tried."""

MAX_WEIGHTED_CLAUSES: Final = 64
"""Weighted clauses of a query, the heaviest ones. A query of ten words has about 20."""

# --- Words of a query ----------------------------------------------------------------------------

MIN_PREFIX_LETTERS: Final = 2
"""A shorter last word is not completed, because too many words begin with it."""

MAX_COMPLETIONS: Final = 24
"""Completions of the last word, the most frequent ones first."""

MAX_SYNONYMS: Final = 24
"""Synonyms of all words of a query together. Each is one more term of the tsquery."""

OPTIONAL_NUMBER_DIGITS: Final = 4
"""A number of at least this many digits is an amount or a year, and awards need not contain it."""

MAX_LETTER_PAIRS: Final = 16
"""Pairs of letters that are searched for of a text without spaces. A longer text names nothing
else than its beginning does."""

MAX_PARTED_LETTERS: Final = 3
"""A word of at most this many letters is also looked up as one with its neighbour: pre med, K 12.
Each such pair is one more word to look up."""

MIN_CORRECTED_LETTERS: Final = 5
"""A shorter word is corrected only when the rest of the query finds nothing: one edit makes most
words of four letters out of each other."""

MAX_COMBINED_WORDS: Final = 6
"""When no award has all words, combinations of fewer words are tried for up to this many words.
With more, any single word is enough: six words have 20 combinations of three, twelve have 924."""

EDITS_BY_LETTERS: Final = ((3, 0), (6, 1), (9, 2))
"""Pairs: words shorter than this many letters may have this many edits. As the AUTO fuzziness of
Elasticsearch, with one more edit for long words."""

MAX_SWAPPED_ONLY_LETTERS: Final = 3
"""A word of at most this many letters is corrected only by swapping two neighbours. Any other edit
makes abbreviations out of each other: nba and mba, gdp and gap."""

MAX_EDITS: Final = 3
"""The edits of all longer words."""

MAX_CORRECTED_WORDS: Final = 6
"""Misspelt words of a query that are corrected, from the first one on. Each costs a search for
similar words, and a query with more of them is none that somebody has typed."""

MAX_CORRECTED_LETTERS: Final = 40
"""A longer word is not corrected: the edit distance takes time proportional to the product of both
lengths, and no word of the catalogue is as long."""

MAX_ENUMERATED_LETTERS: Final = 6
"""For words up to this length, all texts with one edit are looked up. They have so few trigrams
that one edit leaves hardly any for the index of trigrams to find."""

MIN_HALF_LETTERS: Final = 3
"""A missing space is sought only where both halves have this many letters; shorter halves are
frequently words by chance."""

MAX_SIMILAR_WORDS: Final = 60
"""Words of the catalogue that are nearest by trigrams, for each misspelt word. The edit distance is
computed for all of them."""

MAX_OTHER_CORRECTIONS: Final = 3
"""Corrections beside the best one that are searched for too."""

MAX_EXTRA_COST: Final = 0.5
"""The cost, in edits, by which such a correction may exceed that of the best one."""

MISSING_SPACE_COST: Final = 1.0
"""The cost, in edits, of a missing space; the same as that of a missing letter."""

MIN_CORRECTED_SHARE: Final = 0.5
"""A correction is only offered when less than this share of the awards with the other words has
the corrected word, too."""

ENOUGH_CORRECTED: Final = 20
"""This many awards, a page, confirm a correction, whatever their share."""

# --- Matching words ------------------------------------------------------------------------------

RANKED_MATCHES: Final = 1_000
"""Up to this many matches are ranked by relevance; a larger result is tiered (see `sql/plan.py`).
Each match has to be read from the table."""

KNOWN_MATCHES: Final = 2_000
"""Up to this many awards with the words are asked for one by one, 3 us each, so that they can be
filtered and counted. A larger total is estimated."""

MAX_MATCHES_READ: Final = 50_000
"""Up to this many awards with the words are read where few of them pass the filters. Looking for
those in the order of the page would read most awards that the filters keep, in steps."""

MATCHED_AMONG_KEPT: Final = 1_000
"""Up to this many awards that filters keep are asked whether they have the words, 5 us each."""

RANKED_WALK_GROWTH: Final = 2
"""A ranked walk goes on while the matches are at most this multiple of the cap of counting. After
more new awards than that it would cost more than the page that it continues."""

MAX_RANKED_CLAUSES_TIMES_MATCHES: Final = 20_000
"""Weighted clauses times matches of a ranked search. Each clause takes about 5 us for each match,
so this allows 100 ms."""

MIN_SCANNED_AT_ONCE: Final = 64
MAX_SCANNED_AT_ONCE: Final = 8_192
"""Awards that one statement of a scan asks whether they have the words, 5 us each. A scan goes
through the awards in the wanted order until the page is full."""

SCANNED_BEFORE_READING: Final = 16_384
"""A scan that has asked this many awards without filling the page reads all awards with the words
instead, if they are at most MAX_MATCHES_READ."""

SCAN_GROWTH: Final = 4
"""How many times more awards the next statement of a scan asks for."""

MAX_HIGHLIGHTED_CHARACTERS: Final = 5_000
"""The beginning of a description that is searched for a passage to highlight."""

# --- Rules ---------------------------------------------------------------------------------------

MAX_PINS: Final = 10
"""Pinned awards of one query, half a page. A cursor holds their ids."""

MAX_BOOSTS: Final = 5
"""Boosts of one query. Each is one more comparison for each match that is ranked."""

MAX_BOOST_FACTOR: Final = 5.0
"""The largest factor of a boost. With it, the greatest score of an award stays below that of an
award of which the query is the exact name; see `sql/scoring.py`."""

MAX_SEPARATED_PAIRS: Final = 3
"""Entries of separated words that one query applies, the oldest first. Each takes a statement that
reads up to MAX_SEPARATED_AWARDS texts."""

MAX_SEPARATED_AWARDS: Final = 2_000
"""Awards with a stem whose texts are compared with separated words, about 50 us each. Words of a
stem that more awards have are mixed."""

# --- Suggestions ---------------------------------------------------------------------------------

SUGGESTION_SCAN_SHARE: Final = 0.01
"""The share of all awards above which names with these words are sought along the deadlines instead
of in the index of words. At this share both take equally long (`benchmarks.growth`)."""

MAX_SUGGESTION_LOOKUPS: Final = 250
"""Awards that are read from the index of words, in no order. Reading more takes longer than finding
them."""

MAX_SUGGESTION_SCANNED: Final = 5_000
"""Awards that are read along the deadlines; at SUGGESTION_SCAN_SHARE, 50 of them match. Words that
are common but never in one name would otherwise have all awards read."""

SUGGESTED_FROM_AWARDS: Final = 50
"""Matching awards, those that close soonest, whose names are suggested."""

# --- Advice --------------------------------------------------------------------------------------

FEW_RESULTS: Final = 4
GOOD_RESULTS: Final = 20
MANY_RESULTS: Final = 50
"""The most results of each band of `search_quality`. docs/api.md promises it."""

MAX_PROBES: Final = 4
"""Filters that smart search tries to do without; each is a count of its own."""

# --- Caches of one worker ------------------------------------------------------------------------

MAX_CACHED_RESPONSE_BYTES: Final = 8_388_608
"""Responses to searches. A response of 20 rows takes about 15 KB."""

MAX_CACHED_ROUTE_BYTES: Final = 1_048_576
"""Request URLs and their routes, without the response headers that many of them share."""

MAX_CACHED_ITEM_BYTES: Final = 4_194_304
"""Rows of pages without highlights. One takes about 1 KB with its overhead."""

REQUEST_BYTES: Final = 1_500
"""About what a parsed request takes, which is kept with its response."""

MAX_BASIS_AWARDS: Final = 4_000
"""Awards that a response may rest on so that it is kept over writes, 2 bytes each. A write changes
one of more awards too often."""

MAX_COMPARED_CHANGES: Final = 100
"""Changed awards that are asked whether they have the words of a cached response, 5 us each."""

CACHE_ITEM_OVERHEAD_BYTES: Final = 400
"""About what Python's objects take for each cached item, beside its bytes."""

MAX_TERM_AGE_SECONDS: Final = 600
"""How long the statistics of a word are kept. The number of all awards is one of them, and changes
without notice when PostgreSQL analyses the table."""

MAX_SNAPSHOT_CACHE_ITEMS: Final = 10_000
"""Items of each kind in the cache of a snapshot of the catalogue: about 3 MB of each."""
