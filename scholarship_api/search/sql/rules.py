"""The statements that read the rules of the search, and find awards with other words of a stem."""

from collections.abc import Sequence
from typing import Final

from scholarship_api.catalogue.search_index import INDEXED_TEXT
from scholarship_api.platform.database.libpq import Fetch

_RULES: Final = """
SELECT (SELECT coalesce(sum(rules), 0) FROM catalogue_versions)::text,
    json_build_object(
        'synonyms_changed_at', (SELECT max(synonyms_changed_at) FROM catalogue_versions),
        'synonyms', (SELECT coalesce(json_agg(json_build_object(
                'kind', s.kind, 'words', s.words, 'others', s.others) ORDER BY s.id), '[]')
            FROM search_synonyms AS s WHERE s.enabled),
        'rules', (SELECT coalesce(json_agg(json_build_object(
                'query', r.query, 'is_exact', r.match = 'exact', 'pins', r.pins, 'hides', r.hides,
                'boosts', r.boosts, 'starts_at', r.starts_at, 'ends_at', r.ends_at)
                ORDER BY r.id), '[]')
            FROM search_rules AS r WHERE r.enabled AND coalesce(r.ends_at > now(), true)))
"""

_WITH_OTHERS_ALONE: Final = f"""
SELECT count(*), string_agg(s.id, E'\\x1f') FILTER (
    WHERE s.text ~ %(others)s::text AND s.text !~ %(words)s::text)
FROM (
    SELECT id, public.fold_text({INDEXED_TEXT}) COLLATE "C" AS text FROM scholarships
    WHERE status = 'published'
      AND search_vector @@ to_tsquery('public.scholarship', %(stems)s::text)
    LIMIT %(limit)s::int
) AS s
"""


async def read_rules(fetch: Fetch) -> tuple[bytes, bytes]:
    """The number of their version, and the enabled synonyms and rules as JSON."""
    [(version, content)] = await fetch(_RULES, {})
    return version, content


async def ids_with_others_alone(
    fetch: Fetch, words: Sequence[str], others: Sequence[str], *, limit: int
) -> list[str] | None:
    """The awards with one of `others` and none of `words`, which share a stem; None if more than
    `limit` awards have the stem. All words consist of letters and digits."""
    [(count, joined)] = await fetch(
        _WITH_OTHERS_ALONE,
        {
            "words": _any_of(words),
            "others": _any_of(others),
            "stems": "|".join(words),
            "limit": limit + 1,
        },
    )
    if int(count) > limit:
        return None
    return joined.decode().split("\x1f") if joined else []


def _any_of(words: Sequence[str]) -> str:
    return rf"\m({'|'.join(words)})\M"
