"""Deadlines as people write them: a day, a time, several rounds, `Rolling`, `TBA`."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from scholarship_api.exchange.values.dates import DateOrder, Day, day, readings
from scholarship_api.exchange.values.reading import (
    NO_VALUE,
    Reading,
    UnreadableValueError,
    folded,
)
from scholarship_api.vocabulary import parse_date_or_instant

_ROLLING: Final = re.compile(
    r"rolling(?: (?:basis|deadline|admissions?|applications?))?|on a rolling basis|on-?going|open"
    r"|continuous(?:ly)?|(?:open )?(?:all )?year[- ]?round|any ?time|always open|no deadline|none"
    r"|abiert[ao](?: todo el a[nñ]o)?|todo el a[nñ]o|permanente|continu[ao]|sin fecha l[ií]mite"
    r"|accepted (?:year[- ]round|continuously|on a rolling basis)|(?:open )?all year"
)
_UNTIL_FILLED: Final = re.compile(
    r"(?:open )?until (?:filled|funds? (?:are|is) (?:exhausted|gone|depleted)|funding (?:is )?"
    r"(?:exhausted|gone)|all awards are given)|while funds last|first[- ]come,? first[- ]served?"
    r"|hasta agotar (?:los )?(?:fondos|recursos)"
)
_UNKNOWN: Final = re.compile(
    r"tb[adc]|t\.b\.[ad]\.?|to be (?:announced|determined|confirmed)|unknown|not (?:yet )?(?:known"
    r"|announced|set)|por (?:anunciar|confirmar|definir|determinar)|pendiente|pr[oó]ximamente"
    r"|pending|coming soon|unspecified|not specified|date tb[ad]"
)
_WORDS: Final[tuple[tuple[re.Pattern[str], dict[str, object]], ...]] = (
    (_ROLLING, {"deadline_kind": "rolling"}),
    (_UNTIL_FILLED, {"rounds": [{"kind": "until_filled"}]}),
    (_UNKNOWN, {"deadline_kind": "unknown"}),
)
_VARIES: Final = re.compile(
    r"var(?:y|ies|ious|iable|[ií]an?)\b.*|consult(?:ar|e)\b.*"
    r"|see (?:web ?site|details|school|link).*|check .*|contact .*"
    r"|depends.*|differs.*"
)
_LEADING: Final = re.compile(
    r"^(?:(?:application )?(?:deadline|due(?: date)?|close[sd]?|closing(?: date)?|ends?|submit"
    r"|postmarked|received|applications? (?:due|close)|priority(?: deadline)?)(?: is| on| by)?\b"
    r"[: ]*)?(?:(?:by|on|until|before|no later than|not later than|antes del?|hasta(?: el)?|el)\b"
    r" ?)?"
)
_YEARLY: Final = re.compile(
    r",? ?\(?\b(?:annual(?:ly)?|yearly|each year|every year|of each year|of every "
    r"year|per year)\b\)?"
    r"(?: on)?"
)
_ZONES: Final = {
    **dict.fromkeys(("et", "est", "edt", "eastern"), "America/New_York"),
    **dict.fromkeys(("ct", "cst", "cdt", "central"), "America/Chicago"),
    **dict.fromkeys(("mt", "mst", "mdt", "mountain"), "America/Denver"),
    **dict.fromkeys(("pt", "pst", "pdt", "pacific"), "America/Los_Angeles"),
    **dict.fromkeys(("akst", "akdt", "alaska"), "America/Anchorage"),
    **dict.fromkeys(("hst", "hawaii"), "Pacific/Honolulu"),
    **dict.fromkeys(("utc", "gmt", "z"), "UTC"),
}
_ZONE: Final = "|".join(sorted(_ZONES, key=len, reverse=True))
_TIME: Final = re.compile(
    r"(?:,|\bat\b|@|\bby\b|-|\bt\b)? "
    r"?\(?\b(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::\d{2}(?:\.0+)?)?)? ?"
    r"(?P<half>[ap]\.?m\b\.?)|(?P<hour24>[01]?\d|2[0-4]):(?P<minute24>[0-5]\d)(?::(?P<second24>\d{2})(?:\.0+)?)?"
    r"|(?P<word>midnight|noon|(?:end|close) of (?:the )?(?:business )?day|cob|eod))"
    rf"(?: ?\(?(?P<zone>{_ZONE})\b(?: (?:standard |daylight )?time)?\)?)?\)?(?: (?:on|of))?,?"
)
_SEPARATOR: Final = re.compile(r"\s*(?:;|\n|\||&|\band\b|\bor\b|\by\b|\s/\s|\+)\s*,?\s*")
_COMMA: Final = re.compile(r",\s*(?=[a-z]+\.? \d|\d{1,2}/|\d{4}-)")
_RANGE: Final = re.compile(
    r"\s(?:-|to|through|thru|until|al|hasta(?: el)?)\s|(?<=\d)-(?=[a-z])|(?<=\d{4})-(?=\d{1,2}/)"
)
_OPENS: Final = re.compile(
    r"^(?:applications? )?(?:open(?:s|ed|ing)?|starts?|begins?|available|from|between|del?"
    r"|desde(?: el)?)\b(?: date)?"
    r"(?: on)?[: ]*"
)
_LABEL: Final = re.compile(
    r"^(?P<label>(?:fall|autumn|winter|spring|summer|early(?: action| decision)?|regular|priority"
    r"|first|second|third|fourth|final|round \d+|cycle \d+|q[1-4]|1st|2nd|3rd|4th)"
    r"(?: (?:round|semester|term|cycle|quarter|deadline))?(?: \d{4})?)\s*(?::|-|=)?\s+|"
    r"\s*\((?P<label2>fall|autumn|winter|spring|summer|priority|regular|final|early)"
    r"(?: (?:round|semester|term|cycle|quarter|deadline))?(?: \d{4})?\)$"
)
_MAX_ROUNDS: Final = 24
_NOON: Final = 12


@dataclass(slots=True)
class _Moment:
    day: Day
    time: dt.time | None = None
    zone: str | None = None

    def value(self, today: dt.date) -> str:
        date = self.day.date(today).isoformat()
        return f"{date}T{self.time.isoformat()}" if self.time else date


def deadline(text: str, *, order: DateOrder | None, today: dt.date) -> Reading:
    """Read a deadline as application_deadline, deadline_kind, rounds and their companions.

    A day without a year is its next occurrence from `today` on, as a yearly estimate. Raises
    UnreadableValueError.
    """
    plain = folded(text).strip(" .*")
    if plain in NO_VALUE:
        return Reading()
    for pattern, fields in _WORDS:
        if pattern.fullmatch(plain):
            return Reading(dict(fields))
    if _VARIES.fullmatch(plain) and not any(character.isdigit() for character in plain):
        return Reading({"deadline_kind": "unknown"}, words=text.strip())
    if _is_iso(text):
        return Reading({"application_deadline": text.strip(), "deadline_kind": "fixed"})
    shortened = _YEARLY.sub("", plain)
    is_yearly = shortened != plain
    return _rounds(_with_newlines(text, shortened), order, today, is_yearly=is_yearly)


def _with_newlines(text: str, plain: str) -> str:
    """Folding makes spaces of line breaks, which separate rounds."""
    lines = [folded(line) for line in text.splitlines() if line.strip()]
    return plain if len(lines) < 2 else "; ".join(_YEARLY.sub("", line) for line in lines)  # noqa: PLR2004


def _is_iso(text: str) -> bool:
    stripped = text.strip()
    if not re.match(r"\d{4}-?(?:\d{2}|[wW])", stripped):
        return False
    try:
        parse_date_or_instant(stripped)
    except ValueError:
        return False
    return True


def _rounds(text: str, order: DateOrder | None, today: dt.date, *, is_yearly: bool) -> Reading:
    try:
        rounds = [_round(text, order, today)]
    except UnreadableValueError as error:
        pieces = [piece for piece in _SEPARATOR.split(text) if piece]
        if len(pieces) == 1:
            pieces = [piece for piece in _COMMA.split(text) if piece]
        if not 1 < len(pieces) <= _MAX_ROUNDS:
            raise error from None
        rounds = [_round(piece, order, today) for piece in pieces]
    has_no_year = any("yearly" in each for each in rounds)
    for each in rounds:
        each.pop("yearly", None)
    fields: dict[str, object] = {}
    if has_no_year or is_yearly:
        fields["recurs"] = "yearly"
    note = "a day without a year is taken for its next occurrence" if has_no_year else ""
    only = rounds[0]
    if len(rounds) == 1 and "opens_at" not in only:
        fields["application_deadline"] = only["closes_at"]
        fields["deadline_kind"] = "fixed"
        if only.get("estimated"):
            fields["deadline_estimated"] = True
        if "timezone" in only:
            fields["deadline_timezone"] = only["timezone"]
    else:
        fields["rounds"] = rounds
    return Reading(fields, note=note)


def _round(text: str, order: DateOrder | None, today: dt.date) -> dict[str, object]:
    label, rest = "", text
    try:
        closes = _moment(text, order)
    except UnreadableValueError:
        label, rest = _labelled(text)
    parts = _RANGE.split(rest, maxsplit=1)
    opens: _Moment | None = None
    try:
        closes = _moment(rest, order)
    except UnreadableValueError:
        if len(parts) == 1:
            raise
        opens_text = _OPENS.sub("", parts[0])
        closes = _moment(parts[1], order)
        opens = _opening(opens_text, closes, order)
    found: dict[str, object] = {}
    if label:
        found["key"] = re.sub(r"[^a-z0-9]+", "-", label).strip("-")[:40]
    close_date = closes.day.date(today)
    if opens is not None:
        opens_at = opens.value(today)
        if opens.day.year is None and opens_at[:10] > close_date.isoformat():
            opens_at = opens.value(today - dt.timedelta(days=366))
        found["opens_at"] = opens_at
    found["closes_at"] = closes.value(today)
    if closes.day.year is None:
        found |= {"estimated": True, "yearly": True}
    if closes.zone:
        found["timezone"] = closes.zone
    return found


def _opening(text: str, closes: _Moment, order: DateOrder | None) -> _Moment:
    opens = _moment(text, order)
    if opens.day.year is None and closes.day.year is not None:
        day_of_year = opens.day._replace(year=closes.day.year)
        is_before = (day_of_year.month, day_of_year.day) <= (closes.day.month, closes.day.day)
        opens.day = day_of_year if is_before else opens.day._replace(year=closes.day.year - 1)
    return opens


def _labelled(text: str) -> tuple[str, str]:
    found = _LABEL.search(text)
    if not found or (found["label"] is None and found["label2"] is None):
        return "", text
    return (
        found["label"] or found["label2"],
        (text[: found.start()] + " " + text[found.end() :]).strip(),
    )


def _moment(text: str, order: DateOrder | None) -> _Moment:
    plain = _LEADING.sub("", text.strip(" .,"), count=1).strip()
    try:
        return _Moment(day(plain, order))
    except UnreadableValueError as error:
        found = _TIME.search(plain)
        if not found:
            raise
        without_time = f"{plain[: found.start()]} {plain[found.end() :]}"
        without_time = re.sub(r"\b(?:by|at|on)\s*$", "", without_time.strip(" ,-")).strip(" ,-")
        without_time = re.sub(r"^(?:on|by)\b ?", "", without_time)
        if not without_time:
            raise error from None
    zone = found["zone"]
    return _Moment(day(without_time, order), _time(found), _ZONES[zone] if zone else None)


def _time(found: re.Match[str]) -> dt.time | None:
    if word := found["word"]:
        return dt.time(_NOON) if word == "noon" else None  # midnight: the end of the day
    if found["hour24"]:
        hour, minute = int(found["hour24"]), int(found["minute24"])
    else:
        hour, minute = int(found["hour"]), int(found["minute"] or 0)
        if not 1 <= hour <= _NOON:
            raise UnreadableValueError("has a time that no clock shows")
        hour = hour % _NOON + (_NOON if found["half"].startswith("p") else 0)
    try:
        return dt.time(hour % 24, minute)
    except ValueError:
        raise UnreadableValueError("has a time that no clock shows") from None


def time_zone(text: str) -> str:
    """The name of a time zone; `ET` and `Eastern Time` are America/New_York."""
    plain = re.sub(r" ?(?:standard |daylight )?(?:time)?(?: zone)?$", "", folded(text))
    return _ZONES.get(plain.strip(" ."), text.strip())


def numeric_readings(text: str) -> list[dict[DateOrder, Day]]:
    """For each date of numbers in a text, the days that it may stand for by their order."""
    plain = folded(text)
    found = re.findall(r"(?<![\d/.-])\d{1,4}[/.-]\d{1,2}(?:[/.-]\d{1,4})?(?![\d/-])", plain)
    return [days for each in found if (days := readings(each))]
