"""docs/integrating.md: what its commands, which test_commands.py runs, are said to show."""

import re
import time
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from scholarship_api.webhooks import signatures
from tests.docs.pages import ROOT, Command, code, section
from tests.docs.shell import Shell

PAGE = ROOT / "docs" / "integrating.md"
IN_AN_HOUR = section("docs/integrating.md", "In an hour")


@pytest.mark.server
@pytest.mark.usefixtures("tools")
def test_the_commands_show_what_the_page_says(operator: Shell) -> None:
    done = operator.run([command.text for command in IN_AN_HOUR.commands])

    def of(part: str) -> str:
        """The outputs of the commands with this part."""
        return "".join(result.output for result in done if part in result.command)

    assert '"subjects:write"' in of("/auth/check")
    assert '"name":"Nursing"' in of(
        '--header "X-API-Key: $KEY" "$API/subjects/student-4711/saved-searches"'
    )
    assert of("/events") == "202"
    assert '"webhook.test"' in of("/deliveries")
    assert '"demo-award"' in of("/changes?cursor=")
    assert '"route_group"' in of("/usage")


def test_every_part_of_the_hour_has_commands() -> None:
    parts = re.split(r"^### (.+)$", IN_AN_HOUR.text, flags=re.MULTILINE)
    titles, texts = parts[1::2], parts[2::2]
    assert len(titles) == 7
    for title, text in zip(titles, texts, strict=True):
        assert "```sh" in text, title
    assert all(isinstance(command, Command) for command in IN_AN_HOUR.commands)


def test_the_example_verifies_what_the_service_signs() -> None:
    [example] = [text for language, text in code(PAGE) if language == "python"]
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - the page's own code
    secret, body = signatures.new_secret(), b'{"type":"webhook.test"}'
    headers = signatures.signed_headers(
        message_id="msg_1", timestamp=int(time.time()), body=body, secrets=[secret]
    )
    assert names["receive"](secret, body, headers) == {"type": "webhook.test"}
    for forged in (b'{"type":"webhook.test2"}', body + b" "):
        with pytest.raises(WebhookVerificationError):
            names["receive"](secret, forged, headers)
