"""The shortened description that lists of awards show."""

from typing import Final

SUMMARY_LENGTH: Final = 200
"""Characters of a shortened description at most: two or three lines on a phone."""


def shortened_description(column: str) -> str:
    """The SQL expression for the text of `column`, cut at a word to SUMMARY_LENGTH characters.

    `column` is trusted SQL. An ellipsis takes the place of what was cut off.
    """
    return f"""CASE WHEN length({column}) <= {SUMMARY_LENGTH} THEN {column}
        ELSE rtrim(left({column}, least({SUMMARY_LENGTH - 1},
            {SUMMARY_LENGTH} - strpos(reverse(left({column}, {SUMMARY_LENGTH})), ' ')
        )), ' ,;:.') || '…' END"""
