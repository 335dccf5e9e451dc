"""Comparing names of organizations."""

import unicodedata


def is_same_organization(one: str, other: str) -> bool:
    return fold_organization(one) == fold_organization(other)


def fold_organization(organization: str) -> str:
    """The name without letter case and outer spaces, by which the catalogue compares it too."""
    return unicodedata.normalize("NFC", organization).strip().casefold()
