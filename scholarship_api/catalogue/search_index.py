"""The search index of awards: the SQL functions that build it, and statistics of its words.

Migrations create and replace the functions, so each migration shows one past state. FUNCTIONS is
their present text; a test compares it with a migrated database. A change of a function goes here
and into a new migration.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from psycopg.sql import SQL

from scholarship_api.catalogue.parted_stems import PARTED_STEMS, REPRESENTATIVES
from scholarship_api.catalogue.word_boundaries import (
    APOSTROPHES,
    HYPHENS,
    IGNORED,
    SEPARATORS,
    UNSPACED,
)
from scholarship_api.platform.database.advisory_locks import AdvisoryLock

INDEXED_TEXT: Final = """public.plain_words(concat_ws(' ', name, organization, description,
    array_to_string(fields_of_study || scholarship_type || grade_levels, ' ')))"""
"""The text of an award whose words are listed in `search_words`."""

JOINED_LETTERS: Final = 4
"""The most letters of the shorter of two words that are indexed as one word too: pre-med, K-12.
Most words of two longer ones, such as needbased, are nothing that anybody types."""

_JOINED_WORDS: Final = r"\m([a-zA-Z0-9]+)([-''&])([a-zA-Z0-9]+)\M"
_SIGNS: Final = APOSTROPHES + HYPHENS
_PLAIN_SIGNS: Final = "''" * len(APOSTROPHES) + "-" * len(HYPHENS)
_STEMS_TO_PART: Final = "|".join(PARTED_STEMS)
_PARTED_WORDS: Final = f"'{{{','.join(REPRESENTATIVES)}}}'::text[]"
_PARTED_INTO: Final = f"'{{{','.join(REPRESENTATIVES.values())}}}'::text[]"

# PostgreSQL cannot inline most of these functions. A call of one in SQL starts the executor, one in
# PL/pgSQL evaluates expressions: the vector of an award takes 45 us instead of 63.
FUNCTIONS: Final = {
    # unaccent(text) is only STABLE, because it finds its dictionary by the search path. With the
    # dictionary named, the result is immutable.
    "fold_text": """
        CREATE OR REPLACE FUNCTION public.fold_text(value text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        RETURN lower(public.unaccent('public.unaccent'::regdictionary, value))
    """,
    # Texts beyond ASCII are taken apart first: see `word_boundaries.py`. Letter case and accents go
    # as well, because the parser and lower() differ in the letters whose case they know.
    "plain_words": """
        CREATE OR REPLACE FUNCTION public.plain_words(value text) RETURNS text
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
        BEGIN
            IF octet_length(value) = length(value) THEN
                RETURN public.plain_ascii_words(value);
            END IF;
            RETURN public.plain_ascii_words(public.plain_unicode_words(value));
        END
        $$
    """,
    # PostgreSQL's parser would join words over these signs (and/or, U.S., a@b, 2026-2027) or keep
    # them (+5, ~a, <b>, &amp;), but a query is split into bare words. For a description, each
    # replace() takes 0.7 us and translate() 35 us.
    #
    # Two words that a hyphen, an apostrophe or & joins follow as one word at the end, if one of
    # them is short: K-12 is found by K12 and O'Brien by OBrien. The other words keep their
    # positions. Possessives are left out.
    "plain_ascii_words": f"""
        CREATE OR REPLACE FUNCTION public.plain_ascii_words(value text) RETURNS text
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
        DECLARE
            words text := replace(replace(replace(replace(replace(replace(replace(replace(
                value, '-', ' '), '/', ' '), '.', ' '), '@', ' '), '<', ' '), '&', ' '), '+', ' '),
                '~', ' ');
        BEGIN
            IF strpos(value, '-') = 0 AND strpos(value, '''') = 0 AND strpos(value, '&') = 0 THEN
                RETURN words;
            END IF;
            RETURN words || coalesce((
                SELECT string_agg(' ' || found.parts[1] || found.parts[3], '')
                FROM regexp_matches(value COLLATE "C", '{_JOINED_WORDS}', 'g') AS found (parts)
                WHERE least(length(found.parts[1]), length(found.parts[3])) <= {JOINED_LETTERS}
                  AND (found.parts[2] <> '''' OR lower(found.parts[3])
                    NOT IN ('s', 't', 're', 've', 'll', 'd', 'm'))), '');
        END
        $$
    """,  # noqa: S608 - made of literals
    # Chinese, Japanese and Thai have no spaces between words: each pair of neighbouring letters
    # becomes a word, and after all pairs each letter does.
    "plain_unicode_words": f"""
        CREATE OR REPLACE FUNCTION public.plain_unicode_words(value text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        RETURN (
            SELECT CASE WHEN folded.words COLLATE "C" ~ '[{UNSPACED}]'
                THEN regexp_replace(folded.words COLLATE "C", '[{UNSPACED}]+', ' ', 'g') || (
                    SELECT coalesce(string_agg(' ' || substr(run.letters[1], at, 2), ''
                            ORDER BY run.number, at) FILTER (WHERE at < length(run.letters[1])), '')
                        || string_agg(' ' || substr(run.letters[1], at, 1), ''
                            ORDER BY run.number, at)
                    FROM regexp_matches(folded.words COLLATE "C", '[{UNSPACED}]+', 'g')
                            WITH ORDINALITY AS run (letters, number),
                        generate_series(1, length(run.letters[1])) AS at)
                ELSE folded.words END
            FROM (
                SELECT public.fold_text(regexp_replace(regexp_replace(
                    translate(value, '{_SIGNS}', '{_PLAIN_SIGNS}') COLLATE "C",
                    '[{IGNORED}]+', '', 'g'), '[{SEPARATORS}]+', ' ', 'g')) AS words
                OFFSET 0
            ) AS folded
        )
    """,  # noqa: S608 - made of literals
    # The English stemmer gives words the same stem that have nothing to do with each other, such as
    # Maine and main. The words of such stems are lexemes of their own too: =maine, =main. So is IT,
    # which is a stop word in small letters.
    "parted_words": f"""
        CREATE OR REPLACE FUNCTION public.parted_words(stems tsvector, value text)
        RETURNS tsvector
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
        DECLARE
            words tsvector := stems;
        BEGIN
            IF stems @@ '{_STEMS_TO_PART}'::tsquery THEN
                words := words || coalesce((
                    SELECT string_agg('''=' || ({_PARTED_INTO})[array_position({_PARTED_WORDS},
                        found.word)] || ''':' || found.position, ' ')::tsvector
                    FROM unnest(string_to_array(ltrim(regexp_replace(
                        lower(value) COLLATE "C", '[^a-z]+', ' ', 'g')), ' '))
                        WITH ORDINALITY AS found (word, position)
                    WHERE found.word = ANY ({_PARTED_WORDS})), '');
            END IF;
            IF strpos(value, 'IT') > 0 AND value COLLATE "C" ~ '\\mIT\\M'
                AND value COLLATE "C" ~ '[a-z]' THEN
                words := words || '''=it'':1'::tsvector;
            END IF;
            RETURN words;
        END
        $$
    """,  # noqa: S608 - made of literals
    "prefixed_words": """
        CREATE OR REPLACE FUNCTION public.prefixed_words(prefix text, words tsvector)
        RETURNS tsvector
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
        BEGIN
            IF length(words) = 0 THEN
                RETURN words;
            END IF;
            -- No lexeme has a line break.
            RETURN array_to_tsvector(string_to_array(prefix
                || array_to_string(tsvector_to_array(words), chr(10) || prefix), chr(10)));
        END
        $$
    """,
    # A GIN index does not hold weights: a query for 'engin':A reads every award with that word.
    # Therefore the words of the name and of the organization are lexemes of their own too:
    # n/engin, o/engin.
    "scholarship_search_vector": """
        CREATE OR REPLACE FUNCTION public.scholarship_search_vector(
            name text, organization text, description text,
            fields_of_study text[], scholarship_type text, grade_levels text[]
        ) RETURNS tsvector
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
        DECLARE
            name_words tsvector := public.parted_words(to_tsvector(
                'public.scholarship'::regconfig, public.plain_words(name)), name);
            organization_words tsvector := public.parted_words(to_tsvector(
                'public.scholarship'::regconfig, public.plain_words(organization)), organization);
        BEGIN
            RETURN setweight(name_words, 'A') || setweight(organization_words, 'B') ||
                setweight(public.parted_words(to_tsvector('public.scholarship'::regconfig,
                    public.plain_words(description)), description), 'C') ||
                setweight(to_tsvector('public.scholarship'::regconfig, public.plain_words(
                    array_to_string(fields_of_study || scholarship_type || grade_levels, ' '))),
                    'D') ||
                public.prefixed_words('n/', name_words) ||
                public.prefixed_words('o/', organization_words);
        END
        $$
    """,
    "scholarship_filter_tokens": """
        CREATE OR REPLACE FUNCTION public.scholarship_filter_tokens(
            fields_of_study text[], scholarship_type text, residency_states text[],
            grade_levels text[], citizenship_required text
        ) RETURNS text[]
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN
            ARRAY['t:' || scholarship_type, 'c:' || coalesce(citizenship_required, '*')] ||
            CASE WHEN cardinality(fields_of_study) = 0 THEN ARRAY['f:*']
                 ELSE ARRAY(SELECT 'f:' || item FROM unnest(fields_of_study) AS item) END ||
            CASE WHEN cardinality(residency_states) = 0 THEN ARRAY['s:*']
                 ELSE ARRAY(SELECT 's:' || item FROM unnest(residency_states) AS item) END ||
            CASE WHEN cardinality(grade_levels) = 0 THEN ARRAY['g:*']
                 ELSE ARRAY(SELECT 'g:' || item FROM unnest(grade_levels) AS item) END
    """,
    # A trigger of each statement that writes awards. Parsing is most of its cost and texts repeat
    # their words, so the texts are split at spaces first and each distinct piece is parsed once.
    # Words that are known are left to ON CONFLICT, which finds them by the primary key. It takes no
    # lock on them, but waits for a transaction that is changing one of them.
    "search_words_remember": f"""
        CREATE OR REPLACE FUNCTION public.search_words_remember() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO public.search_words (word, lexeme)
            SELECT seen.word, (ts_lexize('pg_catalog.english_stem', seen.word))[1]
            FROM (
                SELECT DISTINCT unnest(tsvector_to_array(to_tsvector(
                    'public.scholarship_words', piece.text))) COLLATE "C" AS word
                FROM (
                    SELECT DISTINCT unnest(string_to_array(whole.text, ' ')) COLLATE "C" AS text
                    FROM (
                        SELECT {INDEXED_TEXT} AS text
                        FROM written WHERE status = 'published'
                        OFFSET 0
                    ) AS whole
                ) AS piece) AS seen
            WHERE length(seen.word) BETWEEN 2 AND 40
              AND seen.word ~ '^[[:alnum:]]+$'
              AND seen.word !~ '^[0-9]+$'
              AND ts_lexize('pg_catalog.english_stem', seen.word) <> '{{}}'
            ORDER BY seen.word
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$
    """,  # noqa: S608
}
"""The statements that create each function as it is now, by its name."""


# --- Statistics ----------------------------------------------------------------------------------

EXACT_COUNT_MAX_AWARDS: Final = 20_000
"""The size of the sample from which the awards of each word are counted.

With at most this many published awards, all of them are counted and the numbers are exact.
"""

BATCH_WORDS: Final = 500
"""Words whose counts are written in one transaction.

A writer of awards waits for a transaction that changes one of its words, and gives up after the
lock_timeout of 3 s. A batch takes some milliseconds.
"""

_COUNTED: Final = SQL("""
    WITH sampled AS MATERIALIZED (
        SELECT tsvector_to_array(to_tsvector('public.scholarship_words', {text})) AS words
        FROM scholarships {sample} WHERE status = 'published'
    ), counted AS MATERIALIZED (
        SELECT seen.word COLLATE "C" AS word,
               greatest(1, round(count(*) * {factor}))::integer AS documents
        FROM sampled, unnest(sampled.words) AS seen (word)
        GROUP BY 1
    )
    SELECT word, counted.documents FROM search_words LEFT JOIN counted USING (word)
    WHERE counted.documents <> search_words.documents OR {is_unused}
    ORDER BY word
""")
_UPDATE_COUNTS: Final = """
    UPDATE search_words SET documents = counted.documents
    FROM unnest(%s::text[], %s::integer[]) AS counted (word, documents)
    WHERE counted.word COLLATE "C" = search_words.word
"""
# An award may have got one of the words since they were counted.
_DELETE_UNUSED_WORDS: Final = """
    DELETE FROM search_words WHERE word = ANY (%s) AND NOT EXISTS (
        SELECT FROM scholarships
        WHERE status = 'published' AND search_vector @@ quote_literal(lexeme)::tsquery
    )
"""
# New entries of a GIN index wait in a list that every search reads in full until it is merged.
_MERGE_PENDING_ENTRIES: Final = """
    SELECT gin_clean_pending_list(entry.oid::regclass)
    FROM pg_index
    JOIN pg_class AS entry ON entry.oid = pg_index.indexrelid
    JOIN pg_am ON pg_am.oid = entry.relam AND pg_am.amname = 'gin'
    WHERE pg_index.indrelid = 'scholarships'::regclass
      AND pg_has_role(entry.relowner, 'USAGE')
"""


async def refresh_statistics(connection: psycopg.AsyncConnection[Any]) -> None:
    """Update what search and the query planner know about the catalogue as a whole.

    Counts how many awards contain each word. Up to EXACT_COUNT_MAX_AWARDS awards the counts are
    exact and unused words are deleted; above that the counts are estimated from a sample. Words
    are not counted while another session counts them.
    """
    for statement in (_MERGE_PENDING_ENTRIES, "ANALYZE scholarships"):
        async with _long_transaction(connection) as cursor:
            await cursor.execute(statement)
    changed = await _count_words(connection)
    for start in range(0, len(changed), BATCH_WORDS):
        async with _long_transaction(connection) as cursor:
            # Another session that counts now has later figures, and will write them.
            if not await _takes_lock(cursor):
                return
            await _write_counts(cursor, changed[start : start + BATCH_WORDS])
    async with _long_transaction(connection) as cursor:
        await cursor.execute("ANALYZE search_words")


@asynccontextmanager
async def _long_transaction(
    connection: psycopg.AsyncConnection[Any],
) -> AsyncIterator[psycopg.AsyncCursor[Any]]:
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.execute("SET LOCAL statement_timeout = '5min'")
        yield cursor


async def _takes_lock(cursor: psycopg.AsyncCursor[Any]) -> bool:
    """Whether this transaction is now the only one that refreshes statistics."""
    await cursor.execute(AdvisoryLock.STATISTICS_REFRESH.try_for_transaction)
    return bool((await cursor.fetchone() or (False,))[0])


async def _count_words(connection: psycopg.AsyncConnection[Any]) -> list[tuple[str, int | None]]:
    """The words whose counts have changed, with their new counts; None for an unused word.

    Nothing is written: counting takes seconds in a large catalogue, and a transaction that has
    changed words makes writers wait until its end.
    """
    async with _long_transaction(connection) as cursor:
        if not await _takes_lock(cursor):
            return []
        await cursor.execute(
            "SELECT (SELECT count(*) FROM (SELECT FROM scholarships WHERE status = 'published'"
            " LIMIT %s) AS published),"
            " (SELECT reltuples FROM pg_class WHERE oid = 'scholarships'::regclass)",
            [EXACT_COUNT_MAX_AWARDS + 1],
        )
        published, estimate = await cursor.fetchone() or (0, 0)
        is_exact = published <= EXACT_COUNT_MAX_AWARDS
        share = min(1.0, EXACT_COUNT_MAX_AWARDS / max(estimate, EXACT_COUNT_MAX_AWARDS))
        await cursor.execute(
            _COUNTED.format(
                text=SQL(INDEXED_TEXT),
                sample=SQL("" if is_exact else f"TABLESAMPLE SYSTEM ({100 * share})"),
                factor=1 if is_exact else 1 / share,
                is_unused=SQL("counted.word IS NULL" if is_exact else "false"),
            )
        )
        return await cursor.fetchall()


async def _write_counts(
    cursor: psycopg.AsyncCursor[Any], batch: Sequence[tuple[str, int | None]]
) -> None:
    counts = {word: documents for word, documents in batch if documents is not None}
    unused = [word for word, documents in batch if documents is None]
    if counts:
        await cursor.execute(_UPDATE_COUNTS, [list(counts), list(counts.values())])
    if unused:
        await cursor.execute(_DELETE_UNUSED_WORDS, [unused])
