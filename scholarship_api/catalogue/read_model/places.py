"""Where the counties and ZIP codes of the US lie."""

import functools
import importlib.resources
from array import array
from bisect import bisect_right
from typing import Final, NamedTuple

FIPS_OF_STATE: Final = {
    "AL": "01", "AK": "02", "AZ": "04", "AR": "05", "CA": "06", "CO": "08", "CT": "09", "DE": "10",
    "DC": "11", "FL": "12", "GA": "13", "HI": "15", "ID": "16", "IL": "17", "IN": "18", "IA": "19",
    "KS": "20", "KY": "21", "LA": "22", "ME": "23", "MD": "24", "MA": "25", "MI": "26", "MN": "27",
    "MS": "28", "MO": "29", "MT": "30", "NE": "31", "NV": "32", "NH": "33", "NJ": "34", "NM": "35",
    "NY": "36", "NC": "37", "ND": "38", "OH": "39", "OK": "40", "OR": "41", "PA": "42", "RI": "44",
    "SC": "45", "SD": "46", "TN": "47", "TX": "48", "UT": "49", "VT": "50", "VA": "51", "WA": "53",
    "WV": "54", "WI": "55", "WY": "56", "AS": "60", "GU": "66", "MP": "69", "PR": "72", "VI": "78",
}  # fmt: skip
"""The first two digits of the counties of a state."""

_STATE_OF_FIPS: Final = {number: state for state, number in FIPS_OF_STATE.items()}

_DATA: Final = importlib.resources.files("scholarship_api.vocabularies") / "data"
_STATE_DIGITS: Final = 2


class Location(NamedTuple):
    state: str
    county: str | None
    """Five digits; None where a ZIP code's county is not known."""


def state_of_county(county: str) -> str | None:
    return _STATE_OF_FIPS.get(county[:_STATE_DIGITS])


def locate_zip(zip_code: str) -> Location | None:
    """The main county of a ZIP code, which may have addresses in others; None for one that lies in
    no state, such as those of the military."""
    starts, ends, areas = _zip_ranges()
    at = bisect_right(starts, int(zip_code)) - 1
    if at < 0 or int(zip_code) > ends[at]:
        return None
    area = areas[at]
    if area < 10**_STATE_DIGITS:
        return Location(_STATE_OF_FIPS[f"{area:02}"], None)
    return Location(_STATE_OF_FIPS[f"{area // 1000:02}"], f"{area:05}")


@functools.cache
def _zip_ranges() -> "tuple[array[int], array[int], array[int]]":
    """The first and the last code of each range, and its county, or its state where the county is
    not known; 280 kB, read in 20 ms when first needed."""
    text = (_DATA / "zip_counties.tsv").read_text(encoding="ascii")
    ranges = []
    for line in text.splitlines():
        area, codes = line.split("\t")
        for codes_in_row in codes.split(" "):
            first, _, last = codes_in_row.partition("-")
            ranges.append((int(first), int(last or first), int(area)))
    ranges.sort()
    starts, ends, areas = zip(*ranges, strict=True)
    return array("I", starts), array("I", ends), array("I", areas)
