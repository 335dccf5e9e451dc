"""SPDX licence expressions from the metadata of packages.

Python packages have License-Expression (PEP 639), or else the older field and the classifiers.
Debian packages have the short names of machine-readable copyright files, which are close to SPDX.
"""

import re
from collections.abc import Collection, Iterable
from email.message import Message
from typing import Final

from license_expression import (  # type: ignore[import-untyped]
    ExpressionError,
    get_spdx_licensing,
)

_LICENSING: Final = get_spdx_licensing()

# Values of the field License, in lower case, that name exactly one licence.
_NAMES: Final = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "isc license": "ISC",
    "mit license": "MIT",
    "the mit license": "MIT",
}
# "BSD License" and similar classifiers are missing because they name a family of licences.
_CLASSIFIERS: Final = {
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
_DEBIAN_NAMES: Final = {"apache-2": "Apache-2.0", "expat": "MIT", "mit/x11": "X11"}
_GNU: Final = re.compile(r"(GPL|LGPL|AGPL|GFDL)-(\d)(\.\d)?(\+?)$")


def valid(expression: str) -> str | None:
    """The expression in its usual spelling; None if it is invalid or names an unknown licence."""
    try:
        return str(_LICENSING.parse(expression, validate=True, strict=True))
    except ExpressionError:
        return None


def is_satisfied(expression: str, *, allowed: Collection[str]) -> bool:
    """Whether the allowed licences satisfy the expression: all of an AND, one of an OR."""
    tree = _LICENSING.parse(expression, validate=True, strict=True)
    true, false = _LICENSING.TRUE, _LICENSING.FALSE
    values = {symbol: true if str(symbol) in allowed else false for symbol in tree.symbols}
    return bool(tree.subs(values, simplify=True) == true)


def distribution_licence(metadata: Message) -> str | None:
    """The licence that a METADATA file names; None if it names none or several."""
    if expression := metadata.get("License-Expression"):
        return valid(expression)
    field = " ".join((metadata.get("License") or "").split())
    if field:
        return _NAMES.get(field.lower()) or valid(field) or _of_classifiers(metadata)
    return _of_classifiers(metadata)


def _of_classifiers(metadata: Message) -> str | None:
    names = [
        classifier.rpartition(" :: ")[2]
        for classifier in metadata.get_all("Classifier", [])
        if classifier.startswith("License :: ") and classifier != "License :: OSI Approved"
    ]
    return _CLASSIFIERS.get(names[0]) if len(names) == 1 else None


def debian_licence(names: Iterable[str]) -> str | None:
    """The licence of a whole package, from the names in its copyright file.

    Names that SPDX does not have become references, `LicenseRef-debian-...`.
    """
    expressions = {_debian_expression(name) for name in names}
    parts = {f"({expression})" for expression in expressions if " OR " in expression}
    for expression in expressions:
        if " OR " not in expression:
            parts.update(expression.split(" AND "))
    return str(_LICENSING.parse(" AND ".join(sorted(parts)))) if parts else None


def debian_reference(name: str) -> str:
    """A reference for a licence that has no SPDX name."""
    return "LicenseRef-debian-" + re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")


def _debian_expression(names: str) -> str:
    """`GPL-2+ or Artistic, and MIT`: `and` binds more than `or`, both more than with a comma."""
    for separator, operator in (
        (", or ", " OR "),
        (", and ", " AND "),
        (" or ", " OR "),
        (" and ", " AND "),
    ):
        if separator in names:
            parts = map(_debian_expression, names.split(separator))
            return operator.join(f"({part})" if " OR " in part else part for part in parts)
    return _debian_symbol(names)


def _debian_symbol(name: str) -> str:
    name = name.strip()
    if match := _GNU.match(name):
        family, major, minor, later = match.groups()
        known = f"{family}-{major}{minor or '.0'}-{'or-later' if later else 'only'}"
    else:
        known = _DEBIAN_NAMES.get(name.lower(), name)
    if " " not in known and (spelt := valid(known)):
        return spelt
    return debian_reference(name)
