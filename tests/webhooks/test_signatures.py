"""Signatures, as the library of Standard Webhooks verifies them."""

import datetime as dt
import json

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from scholarship_api.webhooks import signatures

BODY = json.dumps({"type": "webhook.test", "data": {"name": "Ünïcode"}}).encode()


def headers(*secrets: str) -> dict[str, str]:
    now = int(dt.datetime.now(dt.UTC).timestamp())
    return signatures.signed_headers(
        message_id="evt_1", timestamp=now, body=BODY, secrets=list(secrets)
    )


def test_a_message_is_verified_by_the_standard_library_of_receivers() -> None:
    secret = signatures.new_secret()
    Webhook(secret).verify(BODY, headers(secret))


def test_during_a_rotation_both_secrets_verify_a_message() -> None:
    first, second = signatures.new_secret(), signatures.new_secret()
    for secret in (first, second):
        Webhook(secret).verify(BODY, headers(first, second))


def test_a_changed_message_and_another_secret_are_refused() -> None:
    secret = signatures.new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers(secret))
    with pytest.raises(WebhookVerificationError):
        Webhook(signatures.new_secret()).verify(BODY, headers(secret))


def test_secrets_differ() -> None:
    assert len({signatures.new_secret() for _ in range(100)}) == 100
