"""Pages of results as JSON."""

from collections.abc import Iterable

from pydantic_core import to_json

from scholarship_api.search.service import Page


def page_json(page: Page, *, search_id: str) -> bytes:
    """A SearchPage. The time that it took is filled in when it is sent."""
    return json_of(
        "items",
        page.items,
        total=page.total,
        total_is_exact=page.total_is_exact,
        page=page.page,
        page_size=page.page_size,
        filters=page.filters,
        took_ms=0,
        has_next=page.has_next,
        has_previous=page.has_previous,
        next_cursor=page.next_cursor,
        search_id=search_id,
        **present(
            facets=page.facets and page.facets.model_dump(mode="json", exclude_none=True),
            did_you_mean=page.did_you_mean,
            is_corrected=page.is_corrected,
            interpreted=page.interpreted,
            ignored_words=page.ignored_words,
            ineligible_hidden=page.ineligible_hidden,
            unknown_amounts_hidden=page.unknown_amounts_hidden,
        ),
    )


def present(**fields: object) -> dict[str, object]:
    """The fields without those that are None."""
    return {name: value for name, value in fields.items() if value is not None}


def json_of(list_name: str, items: Iterable[bytes], **fields: object) -> bytes:
    """A JSON object: a list of items that are JSON already, and further fields."""
    return b'{"%b":[%b],%b' % (list_name.encode(), b",".join(items), to_json(fields)[1:])
