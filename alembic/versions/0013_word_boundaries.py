"""Words end at the same characters in every database, and similar stems are told apart.

Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BATCH_AWARDS = 500
"""Awards that one transaction writes, about 1 ms each: a writer of one of them waits that long."""

# Insides of character classes: what parts words, what is left out of them, and the letters of
# scripts without spaces.
SEPARATORS = (
    r"\u0080-\u00A9\u00AB-\u00AC\u00AE-\u00B4\u00B6-\u00B9\u00BB-\u00BF\u00D7\u00F7"
    r"\u02C2-\u02C5\u02D2-\u02DF\u02E5-\u02EB\u02ED\u02EF-\u02FF\u0375\u037E\u0384-\u0385"
    r"\u0387\u03F6\u0482\u055A-\u055F\u0589-\u058F\u05BE\u05C0\u05C3\u05C6\u05F3-\u05F4"
    r"\u0606-\u060F\u061B\u061D-\u061F\u066A-\u066D\u06D4\u06DE\u06E9\u06FD-\u06FE"
    r"\u0700-\u070D\u07F6-\u07F9\u07FE-\u07FF\u0830-\u083E\u085E\u0888\u0964-\u0965\u0970"
    r"\u09F2-\u09FB\u09FD\u0A76\u0AF0-\u0AF1\u0B70\u0B72-\u0B77\u0BF0-\u0BFA\u0C77-\u0C7F"
    r"\u0C84\u0D4F\u0D58-\u0D5E\u0D70-\u0D79\u0DF4\u0E3F\u0E4F\u0E5A-\u0E5B\u0F01-\u0F17"
    r"\u0F1A-\u0F1F\u0F2A-\u0F34\u0F36\u0F38\u0F3A-\u0F3D\u0F85\u0FBE-\u0FC5\u0FC7-\u0FDA"
    r"\u104A-\u104F\u109E-\u109F\u10FB\u1360-\u137C\u1390-\u1399\u1400\u166D-\u166E\u1680"
    r"\u169B-\u169C\u16EB-\u16ED\u1735-\u1736\u17D4-\u17D6\u17D8-\u17DB\u17F0-\u180A"
    r"\u1940-\u1945\u19DA-\u19FF\u1A1E-\u1A1F\u1AA0-\u1AA6\u1AA8-\u1AAD\u1B5A-\u1B6A"
    r"\u1B74-\u1B7E\u1BFC-\u1BFF\u1C3B-\u1C3F\u1C7E-\u1C7F\u1CC0-\u1CC7\u1CD3\u1FBD"
    r"\u1FBF-\u1FC1\u1FCD-\u1FCF\u1FDD-\u1FDF\u1FED-\u1FEF\u1FFD-\u200A\u2010-\u2029"
    r"\u202F-\u205F\u2070\u2074-\u207E\u2080-\u208E\u20A0-\u20C0\u2100-\u2101\u2103-\u2106"
    r"\u2108-\u2109\u2114\u2116-\u2118\u211E-\u2123\u2125\u2127\u2129\u212E\u213A-\u213B"
    r"\u2140-\u2144\u214A-\u214D\u214F-\u215F\u2189-\u2BFF\u2CE5-\u2CEA\u2CF9-\u2CFF\u2D70"
    r"\u2E00-\u2E2E\u2E30-\u3004\u3008-\u3020\u3030\u3036-\u3037\u303D-\u303F\u309B-\u309C"
    r"\u30A0\u30FB\u3190-\u319F\u31C0-\u31E3\u3200-\u33FF\u4DC0-\u4DFF\uA490-\uA4C6"
    r"\uA4FE-\uA4FF\uA60D-\uA60F\uA673\uA67E\uA6F2-\uA716\uA720-\uA721\uA789-\uA78A"
    r"\uA828-\uA82B\uA830-\uA839\uA874-\uA877\uA8CE-\uA8CF\uA8F8-\uA8FA\uA8FC\uA92E-\uA92F"
    r"\uA95F\uA9C1-\uA9CD\uA9DE-\uA9DF\uAA5C-\uAA5F\uAA77-\uAA79\uAADE-\uAADF\uAAF0-\uAAF1"
    r"\uAB5B\uAB6A-\uAB6B\uABEB\uFB29\uFBB2-\uFBC2\uFD3E-\uFD4F\uFDCF\uFDFC-\uFDFF"
    r"\uFE10-\uFE19\uFE30-\uFE6B\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65"
    r"\uFFE0-\uFFEE\uFFFC-\uFFFD"
    r"\U0001D000-\U0001D3FF\U0001F000-\U0001FAFF"
)
IGNORED = (
    r"\u00AD\u0300-\u036F\u0483-\u0489\u0591-\u05BD\u05BF\u05C1-\u05C2\u05C4-\u05C5\u05C7"
    r"\u0600-\u0605\u0610-\u061A\u061C\u064B-\u065F\u0670\u06D6-\u06DD\u06DF-\u06E4"
    r"\u06E7-\u06E8\u06EA-\u06ED\u070F\u0711\u0730-\u074A\u07A6-\u07B0\u07EB-\u07F3\u07FD"
    r"\u0816-\u0819\u081B-\u0823\u0825-\u0827\u0829-\u082D\u0859-\u085B\u0890-\u089F"
    r"\u08CA-\u0903\u093A-\u093C\u093E-\u094F\u0951-\u0957\u0962-\u0963\u0981-\u0983\u09BC"
    r"\u09BE-\u09CD\u09D7\u09E2-\u09E3\u09FE-\u0A03\u0A3C-\u0A51\u0A70-\u0A71\u0A75"
    r"\u0A81-\u0A83\u0ABC\u0ABE-\u0ACD\u0AE2-\u0AE3\u0AFA-\u0B03\u0B3C\u0B3E-\u0B57"
    r"\u0B62-\u0B63\u0B82\u0BBE-\u0BCD\u0BD7\u0C00-\u0C04\u0C3C\u0C3E-\u0C56\u0C62-\u0C63"
    r"\u0C81-\u0C83\u0CBC\u0CBE-\u0CD6\u0CE2-\u0CE3\u0D00-\u0D03\u0D3B-\u0D3C\u0D3E-\u0D4D"
    r"\u0D57\u0D62-\u0D63\u0D81-\u0D83\u0DCA-\u0DDF\u0DF2-\u0DF3\u0E31\u0E34-\u0E3A"
    r"\u0E47-\u0E4E\u0EB1\u0EB4-\u0EBC\u0EC8-\u0ECD\u0F18-\u0F19\u0F35\u0F37\u0F39"
    r"\u0F3E-\u0F3F\u0F71-\u0F84\u0F86-\u0F87\u0F8D-\u0FBC\u0FC6\u102B-\u103E\u1056-\u1059"
    r"\u105E-\u1060\u1062-\u1064\u1067-\u106D\u1071-\u1074\u1082-\u108D\u108F\u109A-\u109D"
    r"\u135D-\u135F\u1712-\u1715\u1732-\u1734\u1752-\u1753\u1772-\u1773\u17B4-\u17D3\u17DD"
    r"\u180B-\u180F\u1885-\u1886\u18A9\u1920-\u193B\u1A17-\u1A1B\u1A55-\u1A7F\u1AB0-\u1B04"
    r"\u1B34-\u1B44\u1B6B-\u1B73\u1B80-\u1B82\u1BA1-\u1BAD\u1BE6-\u1BF3\u1C24-\u1C37"
    r"\u1CD0-\u1CD2\u1CD4-\u1CE8\u1CED\u1CF4\u1CF7-\u1CF9\u1DC0-\u1DFF\u200B-\u200F"
    r"\u202A-\u202E\u2060-\u206F\u20D0-\u20F0\u2CEF-\u2CF1\u2D7F\u2DE0-\u2DFF\u302A-\u302F"
    r"\u3099-\u309A\uA66F-\uA672\uA674-\uA67D\uA69E-\uA69F\uA6F0-\uA6F1\uA802\uA806\uA80B"
    r"\uA823-\uA827\uA82C\uA880-\uA881\uA8B4-\uA8C5\uA8E0-\uA8F1\uA8FF\uA926-\uA92D"
    r"\uA947-\uA953\uA980-\uA983\uA9B3-\uA9C0\uA9E5\uAA29-\uAA36\uAA43\uAA4C-\uAA4D"
    r"\uAA7B-\uAA7D\uAAB0\uAAB2-\uAAB4\uAAB7-\uAAB8\uAABE-\uAABF\uAAC1\uAAEB-\uAAEF"
    r"\uAAF5-\uAAF6\uABE3-\uABEA\uABEC-\uABED\uFB1E\uFE00-\uFE0F\uFE20-\uFE2F\uFEFF"
    r"\uFFF9-\uFFFB"
    r"\U000E0000-\U000E0FFF"
)
APOSTROPHES = (
    "\u2018\u2019\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u0060\u00b4\u02ca\u02cb\uff07"
    "\ua78b\ua78c\u055a\u05f3\u07f4\u07f5\u1fbf\u1fbd"
)
HYPHENS = "\u2010\u2011\u2043\u2212\ufe63\uff0d"
UNSPACED = (
    r"\u0E01-\u0E3A\u0E40-\u0E4D\u0E81-\u0EDF\u1000-\u109F\u1780-\u17B3\u3005-\u3007\u3021-\u3029"
    r"\u3031-\u3035\u3038-\u303C\u3041-\u3096\u309D-\u309F\u30A1-\u30FA\u30FC-\u30FF\u31F0-\u31FF"
    r"\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\uFF66-\uFF9F\U00020000-\U0003FFFF"
)

SIGNS = APOSTROPHES + HYPHENS
PLAIN_SIGNS = "''" * len(APOSTROPHES) + "-" * len(HYPHENS)
JOINED_WORDS = r"\m([a-zA-Z0-9]+)([-''&])([a-zA-Z0-9]+)\M"
JOINED_LETTERS = 4

# Each line is a stem, and groups of words that have it.
PARTED_STEMS = """
    main: maine / main mainly
    intern: intern interns interned interning / internal internally
    intern: international internationally internationals
    organ: organ organs / organic organically
    organ: organization organizations organize organizes organized organizing organizer
    univers: university universities / universal universally / universe universes
    author: author authors authored authoring / authority authorities
    author: authorization authorize authorized
    physic: physics / physical physically
    minor: minor minors / minority minorities
    human: human humans humanly / humane humanely / humanity humanities
    experi: experience experiences / experiment experiments
    design: design designs designed designer designers designing
    design: designate designates designated designating designation designations
    anim: animal animals / animate animated animation animations animator animators
    polit: politic political politically politics / polite politely
    busi: business businesses / busy
    import: import imports imported importing importer / important importantly importance
    sever: several / severe severely
    civil: civil / civilization civilizations
    hospit: hospital hospitals hospitalized / hospitality
    oper: opera operas / operation operations operational operate operates operating operated
    public: public publicly / publication publications / publicize
    past: past / paste
    general: general generally / generalize generalized
    marin: marine marines / marinate marinated
"""


def _parted() -> tuple[list[str], dict[str, str]]:
    """The stems, and for each word of a group the first word of it."""
    lines = [line.strip().partition(":") for line in PARTED_STEMS.strip().splitlines()]
    groups = [group.split() for _, _, words in lines for group in words.split("/")]
    stems = list(dict.fromkeys(stem for stem, _, _ in lines))
    return stems, {word: group[0] for group in groups for word in group}


STEMS, FIRST_WORDS = _parted()
STEMS_TO_PART = "|".join(STEMS)
PARTED_WORDS = f"'{{{','.join(FIRST_WORDS)}}}'::text[]"
PARTED_INTO = f"'{{{','.join(FIRST_WORDS.values())}}}'::text[]"

FUNCTIONS = {
    "plain_words": """
        CREATE OR REPLACE FUNCTION public.plain_words(value text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        RETURN CASE WHEN octet_length(value) = length(value)
            THEN public.plain_ascii_words(value)
            ELSE public.plain_ascii_words(public.plain_unicode_words(value)) END
    """,
    "plain_ascii_words": f"""
        CREATE OR REPLACE FUNCTION public.plain_ascii_words(value text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        RETURN replace(replace(replace(replace(replace(replace(replace(replace(
            value, '-', ' '), '/', ' '), '.', ' '), '@', ' '), '<', ' '), '&', ' '), '+', ' '),
            '~', ' ')
        || CASE WHEN strpos(value, '-') > 0 OR strpos(value, '''') > 0 OR strpos(value, '&') > 0
            THEN coalesce((
                SELECT string_agg(' ' || found.parts[1] || found.parts[3], '')
                FROM regexp_matches(value COLLATE "C", '{JOINED_WORDS}', 'g') AS found (parts)
                WHERE least(length(found.parts[1]), length(found.parts[3])) <= {JOINED_LETTERS}
                  AND (found.parts[2] <> '''' OR lower(found.parts[3])
                    NOT IN ('s', 't', 're', 've', 'll', 'd', 'm'))), '')
            ELSE '' END
    """,
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
                    translate(value, '{SIGNS}', '{PLAIN_SIGNS}') COLLATE "C",
                    '[{IGNORED}]+', '', 'g'), '[{SEPARATORS}]+', ' ', 'g')) AS words
                OFFSET 0
            ) AS folded
        )
    """,
    "parted_words": f"""
        CREATE OR REPLACE FUNCTION public.parted_words(stems tsvector, value text)
        RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        RETURN stems
        || CASE WHEN stems @@ '{STEMS_TO_PART}'::tsquery THEN coalesce((
                SELECT string_agg('''=' || ({PARTED_INTO})[array_position({PARTED_WORDS},
                    found.word[1])] || ''':' || found.position, ' ')::tsvector
                FROM regexp_matches(lower(value) COLLATE "C", '[a-z]+', 'g')
                    WITH ORDINALITY AS found (word, position)
                WHERE found.word[1] = ANY ({PARTED_WORDS})), '')
            ELSE '' END
        || CASE WHEN strpos(value, 'IT') > 0 AND value COLLATE "C" ~ '\\mIT\\M'
                AND value COLLATE "C" ~ '[a-z]'
            THEN '''=it'':1'::tsvector ELSE '' END
    """,
    "scholarship_search_vector": """
        CREATE OR REPLACE FUNCTION public.scholarship_search_vector(
            name text, organization text, description text,
            fields_of_study text[], scholarship_type text, grade_levels text[]
        ) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN (
            SELECT
                setweight(part.name, 'A') || setweight(part.organization, 'B') ||
                setweight(public.parted_words(to_tsvector('public.scholarship'::regconfig,
                    public.plain_words(description)), description), 'C') ||
                setweight(to_tsvector('public.scholarship'::regconfig, public.plain_words(
                    array_to_string(fields_of_study || scholarship_type || grade_levels, ' '))),
                    'D') ||
                array_to_tsvector(ARRAY(
                    SELECT 'n/' || lexeme FROM unnest(tsvector_to_array(part.name)) AS lexeme)) ||
                array_to_tsvector(ARRAY(
                    SELECT 'o/' || lexeme
                    FROM unnest(tsvector_to_array(part.organization)) AS lexeme))
            FROM (
                SELECT
                    public.parted_words(to_tsvector('public.scholarship'::regconfig,
                        public.plain_words(name)), name) AS name,
                    public.parted_words(to_tsvector('public.scholarship'::regconfig,
                        public.plain_words(organization)), organization) AS organization
                OFFSET 0
            ) AS part
        )
    """,
    "search_words_remember": """
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
                        SELECT public.plain_words(concat_ws(' ', name, organization, description,
    array_to_string(fields_of_study || scholarship_type || grade_levels, ' '))) AS text
                        FROM written WHERE status = 'published'
                        OFFSET 0
                    ) AS whole
                ) AS piece) AS seen
            WHERE length(seen.word) BETWEEN 2 AND 40
              AND seen.word ~ '^[[:alnum:]]+$'
              AND seen.word !~ '^[0-9]+$'
              AND ts_lexize('pg_catalog.english_stem', seen.word) <> '{}'
            ORDER BY seen.word
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$
    """,
}
NEW = ("plain_ascii_words", "plain_unicode_words", "parted_words")

PREVIOUS = {
    "plain_words": """
        CREATE OR REPLACE FUNCTION public.plain_words(value text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        RETURN replace(replace(replace(replace(value, '-', ' '), '/', ' '), '.', ' '), '@', ' ')
    """,
    "scholarship_search_vector": """
        CREATE OR REPLACE FUNCTION public.scholarship_search_vector(
            name text, organization text, description text,
            fields_of_study text[], scholarship_type text, grade_levels text[]
        ) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN (
            SELECT
                setweight(part.name, 'A') || setweight(part.organization, 'B') ||
                setweight(to_tsvector('public.scholarship'::regconfig,
                    public.plain_words(description)), 'C') ||
                setweight(to_tsvector('public.scholarship'::regconfig, public.plain_words(
                    array_to_string(fields_of_study || scholarship_type || grade_levels, ' '))),
                    'D') ||
                array_to_tsvector(ARRAY(
                    SELECT 'n/' || lexeme FROM unnest(tsvector_to_array(part.name)) AS lexeme)) ||
                array_to_tsvector(ARRAY(
                    SELECT 'o/' || lexeme
                    FROM unnest(tsvector_to_array(part.organization)) AS lexeme))
            FROM (
                SELECT
                    to_tsvector('public.scholarship'::regconfig, public.plain_words(name)) AS name,
                    to_tsvector('public.scholarship'::regconfig, public.plain_words(organization))
                        AS organization
                OFFSET 0
            ) AS part
        )
    """,
    "search_words_remember": """
        CREATE OR REPLACE FUNCTION public.search_words_remember() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO public.search_words (word, lexeme)
            SELECT seen.word, (ts_lexize('pg_catalog.english_stem', seen.word))[1]
            FROM (
                SELECT DISTINCT unnest(tsvector_to_array(to_tsvector(
                    'public.scholarship_words', piece.text))) COLLATE "C" AS word
                FROM (
                    SELECT DISTINCT unnest(
                        CASE WHEN strpos(whole.text, '<') > 0 THEN ARRAY[whole.text]
                             ELSE string_to_array(whole.text, ' ') END) COLLATE "C" AS text
                    FROM (
                        SELECT public.plain_words(concat_ws(' ', name, organization, description,
    array_to_string(fields_of_study || scholarship_type || grade_levels, ' '))) AS text
                        FROM written WHERE status = 'published'
                        OFFSET 0
                    ) AS whole
                ) AS piece) AS seen
            WHERE length(seen.word) BETWEEN 2 AND 40
              AND seen.word ~ '^[[:alnum:]]+$'
              AND seen.word !~ '^[0-9]+$'
              AND ts_lexize('pg_catalog.english_stem', seen.word) <> '{}'
            ORDER BY seen.word
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$
    """,
}


def _fill_index_again() -> None:
    """Write the awards whose words have changed, in short transactions.

    A generated column is computed when a column that it depends on is written. The audit gets an
    entry without differences for each of these awards, so that running workers read them again.
    """
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        after = ""
        while True:
            last = connection.scalar(
                sa.text(
                    "WITH batch AS ("
                    "  SELECT id FROM public.scholarships WHERE id > :after ORDER BY id LIMIT :size"
                    "), written AS ("
                    "  UPDATE public.scholarships AS s SET name = s.name FROM batch"
                    "  WHERE s.id = batch.id AND s.search_vector <>"
                    "    public.scholarship_search_vector(s.name, s.organization, s.description,"
                    "    s.fields_of_study, s.scholarship_type, s.grade_levels)"
                    ") SELECT max(id) FROM batch"
                ),
                {"after": after, "size": BATCH_AWARDS},
            )
            if last is None:
                return
            after = last


def upgrade() -> None:
    connection = op.get_bind()
    for name in (*NEW, *(name for name in FUNCTIONS if name not in NEW)):
        connection.exec_driver_sql(FUNCTIONS[name])  # as it is: a colon is no parameter
    _fill_index_again()


def downgrade() -> None:
    for function in PREVIOUS.values():
        op.execute(function)
    _fill_index_again()
    for name in NEW:
        arguments = "tsvector, text" if name == "parted_words" else "text"
        op.execute(f"DROP FUNCTION public.{name}({arguments})")
