"""Generated contents of cursors that no search would make; to send them takes the signing key."""

from typing import Any, Final

from hypothesis import strategies as st

from scholarship_api.search import cursors, limits
from scholarship_api.search.cursors import Cursor
from scholarship_api.search.schemas import Sort


def tsqueries() -> st.SearchStrategy[str]:
    """Texts like tsqueries: long, deep, broken, and with all operators."""
    repeated = st.builds(
        lambda part, count, between: between.join([part] * count),
        st.sampled_from(["!'zz'", "'a':*", "(", ")", "!", "'otter'", "'x'<->'y'", "'", "\\", "&"]),
        st.integers(1, 1_000),
        st.sampled_from(["", "&", "|", "<->", "<16384>", " "]),
    )
    nested = st.integers(1, 2_000).map(lambda depth: "(" * depth + "'a'" + ")" * depth)
    return (repeated | nested | st.text("'()!&|<->:*ab \\", max_size=200)).map(
        lambda text: text[: limits.MAX_TSQUERY_CHARACTERS]
    )


KEYS: Final = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["infinity", "-infinity", "2027-01-01 00:00:00+00", "NaN", "1e999", "", "\x00"]
    ),
    st.text(max_size=20),
)
CONTENTS: Final = st.fixed_dictionaries(
    {
        "keyset": st.lists(KEYS, max_size=4).map(tuple),
        "page": st.sampled_from([2, 999_999, 1_000_000]),
    },
    optional={
        "match": tsqueries(),
        "field_query": tsqueries(),
        "weighted_clauses": st.lists(
            st.tuples(st.floats(0, 1000), tsqueries(), st.integers(1, 1000)), max_size=5
        ).map(tuple),
        "is_tiered": st.booleans(),
        "query_length": st.integers(0, 4_096),
        "did_you_mean": st.text(max_size=20),
    },
)


def hostile_cursor(*, q: str | None, sort: Sort, fields: dict[str, Any]) -> Cursor:
    """A cursor for a search of these words in this order, with the generated fields."""
    order = Sort.DEADLINE if sort is Sort.RELEVANCE and not q else sort
    filters: dict[str, object] = {"q": q} if q else {}
    digest = cursors.digest_of({**filters, "sort": order, "organization": None})
    try:
        return Cursor(digest=digest, **fields)
    except ValueError:  # beyond the bounds, or with NUL
        return Cursor.model_construct(digest=digest, **fields)
