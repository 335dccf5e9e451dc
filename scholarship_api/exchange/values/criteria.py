"""Lists of who may apply: levels, fields of study, states, citizenship, codes by their labels."""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Final

from scholarship_api.exchange.values.reading import (
    NO_LIMIT,
    Reading,
    UnreadableValueError,
    folded,
    says_nothing,
)
from scholarship_api.exchange.values.words import Normaliser
from scholarship_api.vocabularies.registry import VOCABULARIES
from scholarship_api.vocabulary import field_of_study, grade_level

MAX_ITEMS: Final = 60
"""Items of a list in a cell: the states of the US and a few more."""

_STRONG: Final = re.compile(r"\s*[;|\n\t•·]+\s*")
_WEAK: Final = re.compile(r"\s*(?:,|/|&|\band/or\b|\band\b|\bor\b|\+)\s*")
_CRITERIA: Final = "eligibility_criteria."


def items(text: str) -> list[str]:
    """The items of a list that is separated by `;`, `|`, line breaks, or else `,`, `/`, `and`."""
    parts = [part for part in _STRONG.split(text.strip()) if part]
    if len(parts) > MAX_ITEMS:
        raise UnreadableValueError(f"has more than {MAX_ITEMS} items")
    return parts


def _weak_items(text: str) -> list[str]:
    parts = [part for part in _WEAK.split(text) if part.strip()]
    if len(parts) > MAX_ITEMS:
        raise UnreadableValueError(f"has more than {MAX_ITEMS} items")
    return parts


def _each(text: str, known: Mapping[str, object] | None = None) -> Iterator[str]:
    """The items of a list; an item that `known` has as a whole is not divided further."""
    for part in items(text):
        if known is not None and _key(part) in known:
            yield part
        else:
            yield from _weak_items(part)


def _key(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", folded(text)).strip(" .*()")


def _requires_nothing(text: str) -> bool:
    plain = _key(text)
    return says_nothing(text) or plain in NO_LIMIT


# --- Levels --------------------------------------------------------------------------------------

_HS: Final = "high_school"
_UG: Final = "undergraduate"
_LEVEL_WORDS: Final = (
    (
        _HS,
        None,
        (
            "hs; high school student; highschool; secondary; secondary school; k 12; high schooler;"
            " preparatoria; bachillerato; secundaria"
        ),
    ),
    (_HS, "grade_9", "high school freshman; hs freshman; 9th grade; grade 9; 9th"),
    (_HS, "grade_10", "high school sophomore; hs sophomore; 10th grade; grade 10; 10th"),
    (_HS, "grade_11", "high school junior; hs junior; 11th grade; grade 11; 11th"),
    (
        _HS,
        "grade_12",
        (
            "high school senior; hs senior; graduating senior; graduating high school senior;"
            " 12th grade; grade 12; 12th; incoming freshman; entering freshman; rising freshman;"
            " senior in high school"
        ),
    ),
    (
        _UG,
        None,
        (
            "ug; undergrad; college; college student; undergraduate student; bachelor; bachelor's;"
            " bachelors; university; associate; associate's; associates; community college;"
            " transfer; 2 year college; 4 year college; licenciatura; universidad; pregrado"
        ),
    ),
    (
        _UG,
        "undergraduate_1",
        "freshman; freshmen; college freshman; freshman year; first year",
    ),
    (_UG, "undergraduate_2", "sophomore; college sophomore; second year"),
    (_UG, "undergraduate_3", "college junior; third year; undergraduate junior"),
    (_UG, "undergraduate_4", "college senior; fourth year; undergraduate senior"),
    (
        "graduate",
        None,
        (
            "grad; graduate student; graduate school; master; master's; masters; mba; postgraduate;"
            " grad school; law student; law school; posgrado; maestria; maestría; máster"
        ),
    ),
    (
        "doctoral",
        None,
        "phd; ph.d; ph.d.; doctorate; doctor; doctoral student; doctoral candidate; doctorado",
    ),
    ("post_doctoral", None, "postdoc; post doc; postdoctoral; post doctoral"),
)
_LEVELS: Final[Mapping[str, tuple[str, str | None]]] = {
    word: (level, year) for level, year, words in _LEVEL_WORDS for word in words.split("; ")
}


def _level(text: str) -> tuple[str, str | None]:
    plain = re.sub(
        r"\b(?:students?|level|year|current|enrolled|rising|degree|only)\b", " ", _key(text)
    )
    for name in (_key(text), " ".join(plain.split())):
        for candidate in (name, name.removesuffix("s"), name.replace("seniors", "senior")):
            if candidate in _LEVELS:
                return _LEVELS[candidate]
            try:
                return grade_level(candidate).value, None
            except ValueError:
                continue
    if plain.strip() in ("senior", "seniors", "junior", "juniors"):
        raise UnreadableValueError(
            f"may be a {plain.strip().removesuffix('s')} of high school or of college"
        )
    raise UnreadableValueError(f"has an unknown level: {text.strip()[:40]}")


def levels(text: str) -> Reading:
    """Grade levels; `Freshman` and `High school senior` give the class year too."""
    if _requires_nothing(text):
        return Reading()
    found = [_level(each) for each in _each(text, _LEVELS)]
    fields: dict[str, object] = {
        f"{_CRITERIA}grade_levels": list(dict.fromkeys(level for level, _ in found))
    }
    # A class year restricts further, so it is set only when every item has one.
    years = [year for _, year in found if year]
    if years and len(years) == len(found):
        fields[f"{_CRITERIA}class_years"] = list(dict.fromkeys(years))
    return Reading(fields)


# --- Fields of study -----------------------------------------------------------------------------

_FIELDS: Final = {
    "stem": ("11", "14", "15", "26", "27", "40", "41"), "science": ("26", "40", "41"),
    "engineering": ("14",), "technology": ("11",), "mathematics": ("27",), "medicine": ("51",),
    "nursing": ("51.38",), "business": ("52",), "arts": ("50",), "education": ("13",),
    "law": ("22",), "social_sciences": ("42", "45"),
}  # fmt: skip
"""Programs of the CIP for the coarse fields, which stand beside finer ones in a cell."""

_MAJORS: Final = {
    "biology": "26", "biological sciences": "26", "life sciences": "26", "biochemistry": "26.02",
    "chemistry": "40.05", "physics": "40.08", "geology": "40.06", "astronomy": "40.02",
    "physical sciences": "40", "computer science": "11.07", "computing": "11", "it": "11",
    "information technology": "11", "cs": "11.07", "cybersecurity": "11.10", "math": "27",
    "maths": "27", "statistics": "27.05", "accounting": "52.03", "finance": "52.08",
    "marketing": "52.14", "management": "52.02", "hospitality": "52.09", "economics": "45.06",
    "psychology": "42", "sociology": "45.11", "political science": "45.10", "history": "54",
    "english": "23", "journalism": "09.04", "communications": "09", "communication": "09",
    "music": "50.09", "art": "50.07", "fine arts": "50.07", "theater": "50.05",
    "theatre": "50.05", "dance": "50.03", "design": "50.04", "film": "50.06",
    "architecture": "04", "agriculture": "01", "agricultural sciences": "01",
    "veterinary medicine": "01.80", "pre vet": "01.80", "pre med": "51.12",
    "premed": "51.12", "dentistry": "51.04", "pharmacy": "51.20", "public health": "51.22",
    "healthcare": "51", "health care": "51", "health sciences": "51", "health": "51",
    "health professions": "51", "medical": "51", "allied health": "51.09",
    "ingeniería": "14", "enfermería": "51.38", "medicina": "51.12", "derecho": "22.01",
    "negocios": "52", "administración": "52.02", "contaduría": "52.03", "educación": "13",
    "informática": "11", "computación": "11", "matemáticas": "27", "ciencias": "40",
    "psicología": "42", "arquitectura": "04", "artes": "50", "biología": "26",
    "social work": "44", "criminal justice": "43", "law enforcement": "43", "pre law": "22.01",
    "teaching": "13", "teacher education": "13", "philosophy": "38", "religion": "38",
    "theology": "39", "forestry": "03", "environmental science": "03.01",
    "environmental studies": "03.01", "library science": "25", "liberal arts": "24",
    "humanities": "24", "construction": "46", "trades": "46", "welding": "48.05",
    "automotive": "47.06", "culinary": "12.05", "culinary arts": "12.05", "aviation": "49.01",
    "foreign languages": "16", "languages": "16", "anthropology": "45.02", "geography": "45.07",
    "kinesiology": "31.05", "business administration": "52.02", "social science": "45",
    "civil engineering": "14.08", "electrical engineering": "14.10",
    "mechanical engineering": "14.19", "chemical engineering": "14.07",
}  # fmt: skip


@functools.cache
def _programs() -> Mapping[str, str]:
    by_label = {_key(term.label): code for code, term in VOCABULARIES["cip_codes"].terms.items()}
    return by_label | _MAJORS


def fields_of_study(text: str) -> Reading:
    """Coarse fields when all items are such fields, else programs of the CIP by their names."""
    if _requires_nothing(text):
        return Reading()
    names = [
        re.sub(r"\b(?:majors?|students?|degrees?|related fields?)\b", " ", _key(each)).strip()
        for each in _each(text, _programs())
    ]
    names = [name for name in names if name]
    coarse = [_coarse(name) for name in names]
    if all(coarse) and coarse:
        return Reading({f"{_CRITERIA}fields_of_study": list(dict.fromkeys(coarse))})
    codes: list[str] = []
    for name, field in zip(names, coarse, strict=True):
        code = _programs().get(name) or _cip(name)
        found = (code,) if code else _FIELDS.get(field or name)
        if found is None:
            raise UnreadableValueError(f"has an unknown field of study: {name[:40]}")
        codes += found
    if not codes:
        raise UnreadableValueError("has no field of study")
    note = "STEM is taken for seven families of programs" if "stem" in names else ""
    return Reading({f"{_CRITERIA}cip_codes": list(dict.fromkeys(codes))}, note=note)


def _coarse(name: str) -> str | None:
    if name in _MAJORS:
        return None  # finer than the coarse field of the same name
    try:
        return field_of_study(name).value
    except ValueError:
        return None


def _cip(name: str) -> str | None:
    try:
        return VOCABULARIES["cip_codes"].parse(name)
    except ValueError:
        return None


# --- Places and citizenship ----------------------------------------------------------------------

_EVERYWHERE: Final = frozenset(
    {
        "national",
        "nationwide",
        "us",
        "usa",
        "u.s",
        "u.s.a",
        "united states",
        "all states",
        "any state",
        "all 50 states",
        "anywhere",
        "nation wide",
        "all us states",
    }
)


@functools.cache
def _states() -> Mapping[str, str]:
    terms = VOCABULARIES["states"].terms
    by_name = {_key(term.label): code for code, term in terms.items()}
    extra = {
        "washington dc": "DC", "washington d.c": "DC", "d.c": "DC", "district of columbia": "DC",
        "washington state": "WA", "new york state": "NY", "calif": "CA", "penn": "PA", "mass": "MA",
        "virgin islands": "VI", "us virgin islands": "VI",
    }  # fmt: skip
    return by_name | {code.casefold(): code for code in terms} | extra


def states(text: str) -> Reading:
    """States by name or code; `nationwide` requires nothing."""
    if _requires_nothing(text) or _key(text) in _EVERYWHERE:
        return Reading()
    codes = []
    for each in _each(text.replace("Washington, D", "Washington D"), _states()):
        name = _key(
            re.sub(r"\b(?:residents?|residency|state|only|of|the|must be an?)\b", " ", folded(each))
        )
        code = _states().get(_key(each)) or _states().get(name)
        if code is None:
            raise UnreadableValueError(f"has an unknown state: {each.strip()[:40]}")
        codes.append(code)
    return Reading({f"{_CRITERIA}residency_states": list(dict.fromkeys(codes))})


_US_CITIZEN: Final = re.compile(
    r"(?:must be )?(?:an? )?(?:u\.?s\.?a?\.?|united states|american)(?: "
    r"citizens?(?:hip)?)?(?: only| required)?"
    r"|citizens?(?: only)?"
)
_RESIDENT: Final = re.compile(
    r"(?:an? )?(?:u\.?s\.? )?(?:lawful |legal )?permanent residents?(?: of the us)?"
    r"|green[ -]?card(?: holders?)?|lpr"
)
_FOREIGN: Final = re.compile(
    r"international(?: students?)?|non us(?: citizens?)?|foreign(?: students?)?"
)
_STATUSES: Final = {
    "daca": "daca", "daca recipient": "daca", "dreamer": "daca", "undocumented": "undocumented",
    "refugee": "refugee", "asylee": "asylee", "eligible noncitizen": "eligible_noncitizen",
    "eligible non citizen": "eligible_noncitizen", "us national": "us_national",
    "tps": "tps", "ab540": "ab540", "ab 540": "ab540",
}  # fmt: skip


@functools.cache
def _countries() -> Mapping[str, str]:
    terms = VOCABULARIES["countries"].terms
    return {_key(term.label): code for code, term in terms.items()} | {
        code.casefold(): code for code in terms
    }


def _citizenship(text: str) -> str:
    plain = folded(text).strip(" .")
    if _US_CITIZEN.fullmatch(plain):
        return "US"
    if _RESIDENT.fullmatch(plain):
        return "permanent_resident"
    if _FOREIGN.fullmatch(_key(text)):
        return "international"
    country = _countries().get(_key(text))
    if country is None:
        raise UnreadableValueError(f"has an unknown citizenship: {text.strip()[:40]}")
    return country


def citizenship(text: str) -> Reading:
    """`US`, `U.S. citizen or permanent resident`, `International`, `DACA`, names of countries."""
    if _requires_nothing(text):
        return Reading()
    whole = folded(text).strip(" .")
    if whole in ("permanent_resident", "international"):
        return Reading({f"{_CRITERIA}citizenship_required": whole})
    statuses = []
    found = []
    for each in _each(text, _countries()):
        name = _key(each)
        status = _STATUSES.get(name) or _STATUSES.get(name.removesuffix("s"))
        if status:
            statuses.append(status)
        else:
            found.append(_citizenship(each))
    citizenships = list(dict.fromkeys(found))
    if len(citizenships) == 1 and not statuses:
        return Reading({f"{_CRITERIA}citizenship_required": citizenships[0]})
    fields: dict[str, object] = {f"{_CRITERIA}citizenships": citizenships} if citizenships else {}
    if statuses:
        fields[f"{_CRITERIA}immigration_statuses"] = list(dict.fromkeys(statuses))
    return Reading(fields)


# --- Codes of other vocabularies -----------------------------------------------------------------

_SYNONYMS: Final[Mapping[str, Mapping[str, str]]] = {
    "genders": {
        "female": "woman",
        "females": "woman",
        "women": "woman",
        "f": "woman",
        "girls": "woman",
        "male": "man",
        "males": "man",
        "men": "man",
        "m": "man",
        "non binary": "nonbinary",
        "trans": "transgender",
    },
    "heritages": {
        "hispanic": "hispanic_latino",
        "latino": "hispanic_latino",
        "latina": "hispanic_latino",
        "latinx": "hispanic_latino",
        "hispanic or latino": "hispanic_latino",
        "african american": "black_african_american",
        "black": "black_african_american",
        "native american": "american_indian_alaska_native",
        "american indian": "american_indian_alaska_native",
        "pacific islander": "native_hawaiian_pacific_islander",
    },
    "enrollment": {"full time": "full_time", "half time": "half_time"},
}


@functools.cache
def _labels(vocabulary: str) -> Mapping[str, str]:
    terms = VOCABULARIES[vocabulary].terms
    by_label = {_key(term.label): code for code, term in terms.items()}
    return by_label | {_key(code): code for code in terms} | dict(_SYNONYMS.get(vocabulary, {}))


def codes(field: str, vocabulary: str) -> Normaliser:
    """Codes of a vocabulary, or their labels. Unknown ones stay for the validation, which keeps
    the criterion in words."""

    def read(text: str) -> Reading:
        if _requires_nothing(text):
            return Reading()
        labels = _labels(vocabulary)
        found = [labels.get(_key(each), each.strip()) for each in _each(text, labels)]
        return Reading({field: list(dict.fromkeys(found))})

    return read


def counties(text: str) -> Reading:
    """Counties with their states, as in `Cedar County, IA`, or codes of five digits."""
    if _requires_nothing(text):
        return Reading()
    known = _labels("counties")
    found = []
    for part in items(text):
        names = [part] if _key(part) in known else re.split(r"\s*(?:/|&|\band\b)\s*", part)
        for name in names:
            code = known.get(_key(name)) or known.get(_key(_with_state_code(name)))
            if code is None:
                raise UnreadableValueError(
                    f"has an unknown county: {name.strip()[:40]}; give its state too"
                )
            found.append(code)
    return Reading({f"{_CRITERIA}residency_counties": list(dict.fromkeys(found))})


def _with_state_code(text: str) -> str:
    """`Cedar, Iowa` is `Cedar County, IA`."""
    county, _, state = text.partition(",")
    code = _states().get(_key(state), state.strip())
    name = county.strip()
    if not re.search(r"\b(?:county|parish|borough|city|municipio)\b", name, re.IGNORECASE):
        name = f"{name} County"
    return f"{name}, {code}"


def number_of_percent(field: str) -> Normaliser:
    """`Top 10%` as 10."""

    def read(text: str) -> Reading:
        found = re.fullmatch(
            (
                r"(?:(?:in )?(?:the )?top )?(\d{1,3})(?:\.0+)? ?(?:%|percent)?(?: of "
                r"(?:the |their )?class)?"
            ),
            folded(text),
        )
        if not found:
            raise UnreadableValueError("is not a rank in per cent")
        return Reading({field: int(found[1])})

    return read
