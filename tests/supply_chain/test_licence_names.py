from email.message import Message

import pytest

from deploy.supply_chain import licence_names


def metadata(*fields: tuple[str, str]) -> Message:
    message = Message()
    for name, value in fields:
        message[name] = value
    return message


APACHE = "License :: OSI Approved :: Apache Software License"
BSD = "License :: OSI Approved :: BSD License"
MIT = "License :: OSI Approved :: MIT License"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("License-Expression", "mit or apache-2.0")], "MIT OR Apache-2.0"),
        ([("License-Expression", "MIT"), ("Classifier", APACHE)], "MIT"),
        ([("License-Expression", "My own"), ("Classifier", MIT)], None),
        ([("License", "BSD-3-Clause"), ("Classifier", BSD)], "BSD-3-Clause"),
        ([("License", "3-Clause BSD License")], "BSD-3-Clause"),
        ([("License", "MIT License\n\nCopyright (c) ..."), ("Classifier", MIT)], "MIT"),
        ([("Classifier", MIT)], "MIT"),
        ([("Classifier", "License :: OSI Approved"), ("Classifier", MIT)], "MIT"),
        ([("Classifier", BSD)], None),  # of which there are several
        ([("Classifier", MIT), ("Classifier", APACHE)], None),  # both, or either?
        ([("License", "as I say")], None),
        ([], None),
    ],
)
def test_the_licence_of_a_distribution(fields: list[tuple[str, str]], expected: str | None) -> None:
    assert licence_names.distribution_licence(metadata(*fields)) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["GPL-2+"], "GPL-2.0-or-later"),
        (["LGPL-2.1", "GPL-3+"], "GPL-3.0-or-later AND LGPL-2.1-only"),
        (["Expat", "zlib", "Expat"], "MIT AND Zlib"),
        (["GPL-1+ or Expat, and ISC"], "(GPL-1.0-or-later OR MIT) AND ISC"),
        (["public-domain"], "LicenseRef-debian-public-domain"),
        (["GPL-2+ with OpenSSL exception"], "LicenseRef-debian-GPL-2-with-OpenSSL-exception"),
        ([], None),
    ],
)
def test_licence_of_a_debian_package(names: list[str], expected: str | None) -> None:
    assert licence_names.debian_licence(names) == expected


@pytest.mark.parametrize(
    ("expression", "satisfied"),
    [
        ("MIT", True),
        ("MIT AND ISC", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("(GPL-3.0-only OR ISC) AND MIT", True),
        ("GPL-3.0-only", False),
        ("MIT WITH Classpath-exception-2.0", False),
    ],
)
def test_a_list_of_allowed_licences_satisfies_expressions(expression: str, satisfied: bool) -> None:
    assert licence_names.is_satisfied(expression, allowed={"MIT", "ISC"}) is satisfied
