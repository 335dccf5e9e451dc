"""A path finds its group by its longest known beginning, however it is spelled."""

import pytest

from scholarship_api.platform.rate_limiting.groups import CEILING, RateLimitGroup, RateLimitGroups

GROUPS = RateLimitGroups(
    [
        RateLimitGroup("books", "30/minute", ("books", "authors/books")),
        RateLimitGroup("authors", "5/hour", ("authors",)),
    ],
    ceiling_per_minute=100,
)


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/api/v1/books", "books"),
        ("/books", "books"),
        ("/API/v1/Books/", "books"),
        ("//api//v1//books/7/pages", "books"),
        ("/api/v1/authors", "authors"),
        ("/api/v1/authors/7", "authors"),
        ("/api/v1/authors//books/7", "books"),
        ("/", None),
        ("/api/v1", None),
        ("/api/v1/bookshop", None),
        ("/x/api/v1/books", None),
    ],
)
def test_a_path_belongs_to_the_group_with_the_longest_beginning(
    path: str, group: str | None
) -> None:
    assert GROUPS.group_of(path) == group


def test_without_groups_no_path_has_one() -> None:
    assert RateLimitGroups([], ceiling_per_minute=1).group_of("/api/v1/books") is None


def test_every_group_and_the_ceiling_have_a_limit() -> None:
    limits = GROUPS.limits(str.upper)
    assert {group: str(limit.limit) for group, limit in limits.items()} == {
        "books": "30 per 1 minute",
        "authors": "5 per 1 hour",
        CEILING: "100 per 1 minute",
    }
    assert {group: limit.scope for group, limit in limits.items()} == {
        group: group for group in limits
    }
    assert limits["books"].key_func("client") == "CLIENT"
