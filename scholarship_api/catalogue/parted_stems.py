"""Words that the English stemmer gives the same stem although their meanings have little in common.

Data: each line is a stem, and the groups of words that are parted. A search for a word of a group
finds the awards with a word of this group only. `search_index.py` puts the words into the index, so
a change of the table needs a migration that fills the index again.
"""

from typing import Final

_TABLE: Final = """
    main: maine / main mainly
    intern: intern interns interned interning / internal internally
    intern: international internationally internationals
    organ: organ organs / organic organically
    organ: organization organizations organize organizes organized organizing organizer
    univers: university universities / universal universally / universe universes
    author: author authors authored authoring / authority authorities
    author: authorization authorize authorized
    physic: physics / physical physically
    minor: minor minors / minority minorities
    human: human humans humanly / humane humanely / humanity humanities
    experi: experience experiences / experiment experiments
    design: design designs designed designer designers designing
    design: designate designates designated designating designation designations
    anim: animal animals / animate animated animation animations animator animators
    polit: politic political politically politics / polite politely
    busi: business businesses / busy
    import: import imports imported importing importer / important importantly importance
    sever: several / severe severely
    civil: civil / civilization civilizations
    hospit: hospital hospitals hospitalized / hospitality
    oper: opera operas / operation operations operational operate operates operating operated
    public: public publicly / publication publications / publicize
    past: past / paste
    general: general generally / generalize generalized
    marin: marine marines / marinate marinated
"""


def _read_table() -> dict[str, list[list[str]]]:
    parted: dict[str, list[list[str]]] = {}
    for line in filter(str.strip, _TABLE.splitlines()):
        stem, _, words = line.strip().partition(":")
        parted.setdefault(stem, []).extend(group.split() for group in words.split("/"))
    return parted


PARTED_STEMS: Final = _read_table()
"""The groups of words by their stem."""

STEMS: Final = {"it": "it"} | {
    group[0]: stem for stem, groups in PARTED_STEMS.items() for group in groups
}
"""The stem of the first word of each group; IT is a group of its own."""

REPRESENTATIVES: Final = {
    word: group[0] for groups in PARTED_STEMS.values() for group in groups for word in group
}
"""For each word of a group the first word of it, which stands for the group in the index."""
