"""The search vector of an award takes less time; its value stays the same.

Revises: 0028
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

JOINED_LETTERS = 4
JOINED_WORDS = r"\m([a-zA-Z0-9]+)([-''&])([a-zA-Z0-9]+)\M"

# The words that are parted are those of 0013.
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
                FROM regexp_matches(value COLLATE "C", '{JOINED_WORDS}', 'g') AS found (parts)
                WHERE least(length(found.parts[1]), length(found.parts[3])) <= {JOINED_LETTERS}
                  AND (found.parts[2] <> '''' OR lower(found.parts[3])
                    NOT IN ('s', 't', 're', 've', 'll', 'd', 'm'))), '');
        END
        $$
    """,
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
    "parted_words": f"""
        CREATE OR REPLACE FUNCTION public.parted_words(stems tsvector, value text)
        RETURNS tsvector
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
        DECLARE
            words tsvector := stems;
        BEGIN
            IF stems @@ '{STEMS_TO_PART}'::tsquery THEN
                words := words || coalesce((
                    SELECT string_agg('''=' || ({PARTED_INTO})[array_position({PARTED_WORDS},
                        found.word)] || ''':' || found.position, ' ')::tsvector
                    FROM unnest(string_to_array(ltrim(regexp_replace(
                        lower(value) COLLATE "C", '[^a-z]+', ' ', 'g')), ' '))
                        WITH ORDINALITY AS found (word, position)
                    WHERE found.word = ANY ({PARTED_WORDS})), '');
            END IF;
            IF strpos(value, 'IT') > 0 AND value COLLATE "C" ~ '\\mIT\\M'
                AND value COLLATE "C" ~ '[a-z]' THEN
                words := words || '''=it'':1'::tsvector;
            END IF;
            RETURN words;
        END
        $$
    """,
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
}
PREVIOUS = {
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
}


def upgrade() -> None:
    connection = op.get_bind()
    for function in FUNCTIONS.values():
        connection.exec_driver_sql(function)  # as it is: a colon is no parameter


def downgrade() -> None:
    connection = op.get_bind()
    for function in PREVIOUS.values():
        connection.exec_driver_sql(function)
    op.execute("DROP FUNCTION public.prefixed_words(text, tsvector)")
