"""Parsing a page finds its commands, outputs and table rows."""

import textwrap

from tests.docs.pages import Command, Section


def section(text: str) -> Section:
    return Section("page.md", "A title", textwrap.dedent(text))


def test_commands_of_a_script() -> None:
    read = section(
        """
        ```sh
        make run  # a remark
        # a remark alone

        curl http://127.0.0.1 \\
            -d '{"a": 1,
                 "b": 2}'
        ```
        ```yaml
        no: command
        ```
        """
    )
    assert [command.text for command in read.commands] == [
        "make run  # a remark",
        'curl http://127.0.0.1 \\\n    -d \'{"a": 1,\n         "b": 2}\'',
    ]
    assert {command.shown for command in read.commands} == {None}


def test_commands_of_a_session_with_what_they_answer() -> None:
    read = section(
        """
        ```console
        $ one
        first
        line
        $ two
        ```
        """
    )
    assert read.commands == [Command("one", "first\nline"), Command("two", "")]


def test_rows_of_tables_without_their_headings() -> None:
    read = section(
        """
        | A | B |
        |---|---|
        | 1 | 2 |

        | C |
        |---|
        | `3` |
        """
    )
    assert read.rows == [["1", "2"], ["`3`"]]
