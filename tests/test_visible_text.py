# ruff: noqa: RUF001 - the subject is text of other scripts
"""Invisible and bidirectional characters are refused, by Unicode category and in context."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.visible_text import (
    require_a_visible_character,
    require_plain_authority,
    require_plain_line,
    require_visible_characters,
)

ALL_ASSIGNED = [*range(0x20000), *range(0xE0000, 0xE1000), *range(0xF0000, 0xF0010)]
"""Code points of all planes that have characters other than Chinese ones."""

VISIBLE_FORMAT_CHARACTERS = {
    *(0x0600, 0x0601, 0x0602, 0x0603, 0x0604, 0x0605, 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2),
    *(0x110BD, 0x110CD),
}
WITHOUT_A_VISIBLE_FORM = {
    *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x16FE4, 0x1D159),
}
SELECTORS = {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}


def is_refused(text: str) -> bool:
    try:
        return require_visible_characters(text) != text
    except ValueError:
        return True


def characters(*categories: str) -> list[str]:
    return [chr(code) for code in ALL_ASSIGNED if unicodedata.category(chr(code)) in categories]


def test_letters_numbers_marks_and_signs_are_accepted() -> None:
    categories = {unicodedata.category(chr(code)) for code in ALL_ASSIGNED}
    visible = [category for category in categories if category[0] in "LMNPS"]
    refused = {ord(one) for one in characters(*visible) if is_refused(f"a{one}b")}
    assert refused <= WITHOUT_A_VISIBLE_FORM | SELECTORS


def test_control_format_private_and_separator_characters_are_refused() -> None:
    accepted = {
        ord(one)
        for one in characters("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
        if not is_refused(f"a{one}b")
    }
    assert accepted == {ord("\t"), ord("\n"), ord("\r")} | VISIBLE_FORMAT_CHARACTERS


def test_unassigned_characters_are_refused_unless_they_are_reserved_for_emoji() -> None:
    accepted = {ord(one) for one in characters("Cn") if not is_refused(f"a{one}b")}
    assert accepted <= set(range(0x1F000, 0x1FB00))


@pytest.mark.parametrize("code", sorted(WITHOUT_A_VISIBLE_FORM))
def test_characters_without_a_visible_form_are_refused(code: int) -> None:
    assert is_refused(chr(code))
    assert is_refused(f"a{chr(code)}b")


@given(st.text(), st.sampled_from("\u202a\u202e\u2066\u2069\u200e\u200f\u061c\ufeff\u00ad\u200b"))
def test_no_surrounding_makes_a_bidirectional_or_zero_width_character_acceptable(
    text: str, character: str
) -> None:
    for position in range(len(text) + 1):
        assert is_refused(text[:position] + character + text[position:])


IN_CONTEXT = {
    "Persian with a non-joiner": "می\u200cخواهم",
    "Hindi with a joiner": "क्\u200dष",
    "Malayalam with a joiner at the end of a word": "ന്\u200d രണ്ട്",
    "Mongolian with a variation selector": "\u1820\u180b\u1828",
    "a family": "👩\u200d👩\u200d👧",
    "an astronaut with a skin tone": "🧑🏽\u200d🚀",
    "a rainbow flag": "🏳\ufe0f\u200d🌈",
    "a heart": "❤\ufe0f",
    "a keycap": "1\ufe0f\u20e3",
    "the flag of England": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "a form of a Chinese character": "葛\U000e0100",
    "an Arabic number sign": "\u0600١٢٣",
}


@pytest.mark.parametrize("name", IN_CONTEXT)
def test_joiners_and_selectors_are_accepted_where_they_are_needed(name: str) -> None:
    assert not is_refused(IN_CONTEXT[name])
    assert not is_refused(f"Fund {IN_CONTEXT[name]}, {IN_CONTEXT[name]}")


OUT_OF_CONTEXT = {
    "a joiner between Latin letters": "a\u200db",
    "a non-joiner between Latin letters": "a\u200cb",
    "a joiner at the start": "\u200dष",
    "a joiner at the end": "می\u200d",
    "two joiners": "می\u200c\u200cخواهم",
    "a joiner between an emoji and a letter": "👩\u200da",
    "a selector at the start": "\ufe0f",
    "two selectors": "❤\ufe0f\ufe0f",
    "many selectors, which can hide text": "a" + "\U000e0141\U000e0142\U000e0143",
    "a selector after a space": "a \ufe0f",
    "tags without a flag": "a\U000e0041\U000e007f",
    "tags that spell another text": "🏴\U000e0041\U000e0042\U000e007f",
    "a Mongolian selector after a Latin letter": "a\u180b",
}


@pytest.mark.parametrize("name", OUT_OF_CONTEXT)
def test_joiners_and_selectors_are_refused_elsewhere(name: str) -> None:
    assert is_refused(OUT_OF_CONTEXT[name])


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\u00a0b", "a\u2800b", "\u3164", "a\u202eb"])
def test_a_plain_line_has_no_breaks_and_nothing_that_looks_empty(text: str) -> None:
    with pytest.raises(ValueError, match="must not contain"):
        require_plain_line(text)


def test_a_plain_line_may_be_of_any_script() -> None:
    assert require_plain_line("Müller 東京 & Co.") == "Müller 東京 & Co."


@given(st.text(st.characters(categories=["Mn", "Zs", "Cc"]) | st.sampled_from("\u0301\u0308 ")))
def test_marks_and_spaces_alone_are_not_visible(text: str) -> None:
    with pytest.raises(ValueError, match="visible"):
        require_a_visible_character(text)


@given(st.text(), st.characters(categories=["Lu", "Lo", "Nd", "Po", "Sc", "So"]))
def test_one_letter_number_or_sign_is_visible(text: str, character: str) -> None:
    assert require_a_visible_character(text + character)


# --- Addresses -----------------------------------------------------------------------------------

USER_INFO = [
    "https://user:password@evil.example",
    "https://bank.example@evil.example/",
    "https://@evil.example",
    "http://a%40b@evil.example",
    "https://:@evil.example",
    "https://evil.example\\@good.example",
]
HOSTS = [
    "https://",
    "https:///path",
    "https://?query",
    "https://ü.example",
    "https://раураl.example",
    "https://example。org",
    "https://%65vil.example",
    "https://good.example\\.evil.example",
    "https://a..example",
    "https://.example",
    "https://-a.example",
    "https://a-.example",
    "https://a,b.example",
    "https://[::1",
    "https://::1/",
    f"https://{'a' * 64}.example",
]
PORTS = ["https://a.example:0", "https://a.example:65536", "https://a.example:x", "http://a:٣"]


@pytest.mark.parametrize("address", USER_INFO)
def test_addresses_with_a_user_name_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="user name"):
        require_plain_authority(address)


@pytest.mark.parametrize("address", [*HOSTS, *PORTS])
def test_addresses_with_another_host_than_it_seems_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"host name in ASCII|port between"):
        require_plain_authority(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "HTTP://EXAMPLE.ORG:8080/a@b?c=@d#@",
        "https://xn--mnchen-3ya.example/straße",
        "https://a_b.example.",
        "https://192.0.2.1/",
        "https://[2001:db8::1]:443/",
        "https://localhost",
        "https://example.org?a\\b",
    ],
)
def test_other_addresses_are_accepted(address: str) -> None:
    assert require_plain_authority(address) == address
