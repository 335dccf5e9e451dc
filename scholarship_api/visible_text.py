"""Text whose characters can be seen: no control, invisible or bidirectional characters.

Names, descriptions and addresses are shown to people and compared by programs. Characters that are
invisible or that change the direction of text make one name look like another, an empty name pass
for a name, and `Award exe.png` out of `Award gnp.exe`. A few of them are needed by scripts and by
emoji; they are accepted only where they have that effect.
"""

import re
import unicodedata
from typing import Final

ZERO_WIDTH_NON_JOINER: Final = "\u200c"
ZERO_WIDTH_JOINER: Final = "\u200d"

_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories that are refused, apart from the exceptions below."""

_VISIBLE: Final = "LNPS"
"""First letters of the categories whose characters can be seen: letters, numbers, signs."""

_CONTROLS_IN_TEXT: Final = frozenset("\t\n\r")

_LOOKS_EMPTY: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00016fe4\U0001d159"
)
"""Letters, marks and symbols without a visible form, such as the Hangul filler."""

_NEEDS_CONTEXT: Final = re.compile(
    f"[{''.join(sorted(_LOOKS_EMPTY))}\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
"""Characters that are printable to Python and yet not always accepted."""

_IS_UNCOMMON: Final = re.compile(
    "[^\x00-\u034e\u2010-\u2027\u2032-\u205e\u20a0-\u20bf\u4e00-\u9fff]"
)
"""Characters outside of Latin, common punctuation, currencies and Chinese: none of these needs
context."""

_NUMBER_SIGNS: Final = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
"""Format characters (Cf) that are visible, such as the Arabic number sign."""

_JOINING_SCRIPTS: Final = (
    (0x0600, 0x08FF),  # Arabic, Syriac, N'Ko, Mandaic
    (0x0900, 0x0DFF),  # scripts of India, Sinhala
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x18AF),  # Khmer, Mongolian
    (0x1900, 0x1CFF),  # Limbu, Balinese and others
    (0xA800, 0xABFF),  # Syloti Nagri, Javanese and others
    (0xFB50, 0xFDFF),  # Arabic presentation forms
    (0xFE70, 0xFEFC),
    (0x10A00, 0x10FFF),
    (0x11000, 0x11FFF),  # Brahmi and others
    (0x1E900, 0x1E95F),  # Adlam
)
"""Ranges of scripts in which joiners select the form of a letter."""

_VIRAMA: Final = 9
"""Canonical combining class of the sign that joins consonants (RFC 5892, A.1)."""

_MONGOLIAN_SELECTORS: Final = frozenset("\u180b\u180c\u180d\u180f")
_EMOJI: Final = (0x1F000, 0x1FAFF)
"""Unicode reserves all code points in this range for emoji, also those without a character yet."""

_ARROWS: Final = frozenset("\u2194\u2195\u27a1")
_EMOJI_PRESENTATION: Final = "\ufe0f"
_FLAGS_WITH_TAGS: Final = re.compile(
    "\U0001f3f4\U000e0067\U000e0062(?:"
    "\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073"
    ")\U000e007f"
)
"""The flags of England, Scotland and Wales: the only tag sequences that are in use."""


def require_visible_characters(text: str) -> str:
    """Return `text`, or raise ValueError for a character that cannot be seen.

    Spaces, tabs and line breaks pass. The text may be empty.
    """
    # These tests run in C and settle nearly all texts; the cheaper ones come first.
    if text.isascii() and text.isprintable():
        return text
    without_breaks = text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    if without_breaks.isprintable() and not (
        _IS_UNCOMMON.search(text) and _NEEDS_CONTEXT.search(text)
    ):
        return text
    text_to_check = _FLAGS_WITH_TAGS.sub("\U0001f3f4", text)
    for position, character in enumerate(text_to_check):
        if not _is_accepted(text_to_check, position, character):
            name = f"U+{ord(character):04X}"
            raise ValueError(f"must not contain control characters or invisible ones ({name})")
    return text


def require_plain_line(text: str) -> str:
    """Return `text`, or raise ValueError for a line break, a tab or a character that cannot be
    seen.

    Stricter than `require_visible_characters`: joiners and spaces other than U+0020 are refused
    too. For names that administrators and programs choose, which are compared and logged.
    """
    if not text.isprintable():
        raise ValueError("must not contain control characters or invisible ones")
    return require_visible_characters(text)


def require_a_visible_character(text: str) -> str:
    """Return `text`, or raise ValueError if it has no letter, number or sign."""
    if text[:1].isalnum() or any(
        unicodedata.category(character)[0] in _VISIBLE for character in text
    ):
        return text
    raise ValueError("must contain a visible character")


def _is_accepted(text: str, position: int, character: str) -> bool:
    before = text[position - 1] if position else " "
    if character in (ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER):
        return _joins(text, position)
    if _is_variation_selector(character):
        return _has_several_forms(before)
    if character in _MONGOLIAN_SELECTORS:
        return _is_between(before, 0x1820, 0x18AA)
    category = unicodedata.category(character)
    if category == "Cn":
        return _is_between(character, *_EMOJI)
    return (
        (category not in _REFUSED_CATEGORIES and character not in _LOOKS_EMPTY)
        or character in _CONTROLS_IN_TEXT
        or character in _NUMBER_SIGNS
    )


def _joins(text: str, position: int) -> bool:
    """Whether a joiner stands where scripts or emoji need one."""
    before = text[position - 1 : position] if position else ""
    after = text[position + 1 : position + 2]
    if not before:
        return False
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if not after:
        return False
    if _is_joining_letter(before) and _is_joining_letter(after):
        return True
    return (
        text[position] == ZERO_WIDTH_JOINER
        and (_is_emoji(before) or before == _EMOJI_PRESENTATION)
        and _is_emoji(after)
    )


def _is_joining_letter(character: str) -> bool:
    is_letter = unicodedata.category(character)[0] in "LM"
    return is_letter and any(_is_between(character, *script) for script in _JOINING_SCRIPTS)


def _is_emoji(character: str) -> bool:
    return (
        unicodedata.category(character) == "So"
        or character in _ARROWS
        or _is_between(character, *_EMOJI)
    )


def _is_variation_selector(character: str) -> bool:
    return _is_between(character, 0xFE00, 0xFE0F) or _is_between(character, 0xE0100, 0xE01EF)


def _has_several_forms(character: str) -> bool:
    """Whether a variation selector may follow the character."""
    return unicodedata.category(character)[0] in _VISIBLE and character not in _LOOKS_EMPTY


def _is_between(character: str, first: int, last: int) -> bool:
    return first <= ord(character) <= last


# --- Addresses -----------------------------------------------------------------------------------

_AUTHORITY: Final = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?|\[[0-9A-Fa-f:.]+\]")
_USUAL: Final = re.compile(
    r"https?://(?=[^/?#]{1,63}(?:[/?#]|$))[a-z0-9]+(?:[.-][a-z0-9]+)*(?:[/?#]|$)"
)
"""The beginning of nearly all addresses: a plain host without a port, of at most 63 characters."""


def require_plain_authority(address: str) -> str:
    """Return an http(s) address, or raise ValueError if its host can be mistaken.

    A user name before the host (`https://bank.example@evil.example`) is taken for the host by
    people, a letter of another script for a Latin one, and `\\` for `/` by browsers.
    """
    if _USUAL.match(address):
        return address
    found = _AUTHORITY.match(address)
    authority = found[1] if found else ""
    if "@" in authority:
        raise ValueError("must not contain a user name or password")
    host, port = _split_port(authority)
    if not _HOST.fullmatch(host):
        raise ValueError("must have a host name in ASCII; write other scripts as xn--...")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65_535):  # noqa: PLR2004
        raise ValueError("must have a port between 1 and 65535")
    return address


def _split_port(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        return host + bracket, rest.removeprefix(":")
    host, _, port = authority.partition(":")
    return host, port
