"""Tokens: only what was signed for the same purpose is accepted."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.platform.signed_tokens import TAG_BYTES, InvalidTokenError, TokenSigner

KEY = "a key of the test that is long enough"
SIGNER = TokenSigner(key=KEY, purpose="test")


@given(st.binary(max_size=300))
def test_a_signed_payload_is_verified(payload: bytes) -> None:
    token = SIGNER.sign(payload)
    assert SIGNER.verify(token) == payload
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.binary(max_size=100), st.data())
def test_a_token_with_any_changed_bit_is_refused(payload: bytes, data: st.DataObject) -> None:
    raw = bytearray(TAG_BYTES + len(payload))
    token = SIGNER.sign(payload)
    raw[:] = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidTokenError):
        SIGNER.verify(base64.urlsafe_b64encode(raw).decode().rstrip("="))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        SIGNER.verify(text)


@given(st.binary(max_size=50), st.integers(1, 30))
def test_a_shortened_token_is_refused(payload: bytes, cut: int) -> None:
    token = SIGNER.sign(payload)
    with pytest.raises(InvalidTokenError):
        SIGNER.verify(token[:-cut])


def test_tokens_of_another_purpose_or_key_are_refused() -> None:
    for other in (
        TokenSigner(key=KEY, purpose="another"),
        TokenSigner(key=f"{KEY}.", purpose="test"),
        TokenSigner(key="", purpose="test"),
    ):
        with pytest.raises(InvalidTokenError):
            SIGNER.verify(other.sign(b"payload"))


def test_tokens_of_previous_keys_are_accepted_and_new_ones_signed_with_the_newest() -> None:
    rotated = TokenSigner(key="the next key", previous_keys=[KEY], purpose="test")
    assert rotated.verify(SIGNER.sign(b"payload")) == b"payload"
    assert rotated.verify(rotated.sign(b"payload")) == b"payload"
    with pytest.raises(InvalidTokenError):
        SIGNER.verify(rotated.sign(b"payload"))


def test_without_a_key_each_process_has_its_own() -> None:
    one, other = (TokenSigner(key="", purpose="test") for _ in range(2))
    assert one.verify(one.sign(b"payload")) == b"payload"
    with pytest.raises(InvalidTokenError):
        other.verify(one.sign(b"payload"))
