"""Places with their states, time zones and countries, from common to rare."""

from scholarship_api.sample_data.words.splitting import items, lines, split

PLACE_SYLLABLES = (
    (
        split("""Cedar Maple Juniper Willow Birch Aspen Alder Laurel Heron Falcon Otter Elk Raven
        Swan Eagle Copper Iron Flint Granite Amber Crystal Silver Rock Stony Sugar Clover Prairie
        Meadow Orchard Harvest Summer Winter Mission Pilgrim Quaker Liberty Union Pine Spruce
        Sparrow"""),
        split("""brook crest vale haven mont port side view wood ville ton burg field dale ford
        bend point glen ridge mead"""),
    ),
    (
        ("San ", "Santa "),
        split("""Aurelia Benita Calixto Delfina Eulalia Fermín Gaspar Honorio Isidora Justino
        Ladislao Melitón Narcisa Olalla Pascual Quirino Remedios Severino Tecla Úrsula"""),
    ),
    (
        split("""Win Pot Chip Mus Ogal Tal Wau Ken Osh Men Sus Cah Yak Nip Mon Wap Ash Pen Nan
        Tusc"""),
        split("awaka ahoma ewa ohannock aloosa iscot onee attawa askee omink itchie uquah"),
    ),
)

# Four of five towns have none.
PLACE_SUFFIXES = tuple(
    suffix
    for word in split("Falls Springs Heights Valley Harbor Junction Lake Grove Mills Park")
    for suffix in ("", "", "", "", f" {word}")
)

CITIES = items("""
New York NY, Los Angeles CA, Chicago IL, Houston TX, Phoenix AZ, Philadelphia PA, San Antonio TX,
San Diego CA, Dallas TX, Austin TX, Columbus OH, Boston MA, Seattle WA, Denver CO, Atlanta GA,
Detroit MI, Portland OR, Nashville TN, Baltimore MD, Milwaukee WI, Minneapolis MN, Cleveland OH,
San José CA, Jacksonville FL, Fort Worth TX, Charlotte NC, Indianapolis IN, Washington DC,
Oklahoma City OK, Las Vegas NV, Louisville KY, Albuquerque NM, Tucson AZ, Fresno CA, Sacramento CA,
Kansas City MO, Omaha NE, Raleigh NC, Miami FL, Oakland CA, Tulsa OK, Tampa FL, New Orleans LA,
Wichita KS, Honolulu HI, Anaheim CA, Lexington KY, Stockton CA, Corpus Christi TX, Saint Paul MN,
Cincinnati OH, Greensboro NC, Pittsburgh PA, Lincoln NE, Orlando FL, Newark NJ, Toledo OH,
Anchorage AK, Laredo TX, Madison WI, Lubbock TX, Reno NV, Buffalo NY, Norfolk VA, Boise ID,
Richmond VA, Baton Rouge LA, Spokane WA, Des Moines IA, Tacoma WA, Salt Lake City UT, Fargo ND,
Birmingham AL, Rochester NY, Sioux Falls SD, Providence RI, Jackson MS, Little Rock AR, Knoxville
TN, Worcester MA, Chattanooga TN, Savannah GA, Duluth MN, Burlington VT, Missoula MT, Cheyenne WY,
Charleston WV, Manchester NH, Bangor ME, Wilmington DE, Hartford CT, Dayton OH, Flint MI, Eugene OR,
Amarillo TX, Springfield IL, Peoria IL, Macon GA, Mobile AL, Topeka KS, Santa Fe NM, Flagstaff AZ,
Provo UT, Pueblo CO, Yakima WA, Ithaca NY, San Juan PR, Mayagüez PR, Hagåtña GU, Juneau AK, Hilo HI,
Charlotte Amalie VI, Pago Pago AS, Saipan MP
""")

# USPS code, name and usual time zone, by population: the order is the frequency.
STATES = lines("""
CA California America/Los_Angeles
TX Texas America/Chicago
FL Florida America/New_York
NY New York America/New_York
PA Pennsylvania America/New_York
IL Illinois America/Chicago
OH Ohio America/New_York
GA Georgia America/New_York
NC North Carolina America/New_York
MI Michigan America/New_York
NJ New Jersey America/New_York
VA Virginia America/New_York
WA Washington America/Los_Angeles
AZ Arizona America/Phoenix
MA Massachusetts America/New_York
TN Tennessee America/Chicago
IN Indiana America/New_York
MD Maryland America/New_York
MO Missouri America/Chicago
WI Wisconsin America/Chicago
CO Colorado America/Denver
MN Minnesota America/Chicago
SC South Carolina America/New_York
AL Alabama America/Chicago
LA Louisiana America/Chicago
KY Kentucky America/New_York
OR Oregon America/Los_Angeles
OK Oklahoma America/Chicago
CT Connecticut America/New_York
UT Utah America/Denver
IA Iowa America/Chicago
NV Nevada America/Los_Angeles
AR Arkansas America/Chicago
MS Mississippi America/Chicago
KS Kansas America/Chicago
NM New Mexico America/Denver
NE Nebraska America/Chicago
ID Idaho America/Denver
WV West Virginia America/New_York
HI Hawaii Pacific/Honolulu
NH New Hampshire America/New_York
ME Maine America/New_York
PR Puerto Rico America/Puerto_Rico
MT Montana America/Denver
RI Rhode Island America/New_York
DE Delaware America/New_York
SD South Dakota America/Chicago
ND North Dakota America/Chicago
AK Alaska America/Anchorage
DC District of Columbia America/New_York
VT Vermont America/New_York
WY Wyoming America/Denver
GU Guam Pacific/Guam
VI Virgin Islands America/Puerto_Rico
AS American Samoa Pacific/Pago_Pago
MP Northern Mariana Islands Pacific/Guam
""")

REGIONS = (
    split("CA OR WA NV AZ HI AK GU AS MP"),
    split("TX OK NM LA AR CO"),
    split("FL GA AL SC NC TN MS PR VI"),
    split("NY NJ PA CT DE MD DC VA WV"),
    split("MA NH ME VT RI"),
    split("IL OH MI IN WI MN IA MO KY"),
    split("CO UT ID MT WY ND SD NE KS"),
)

# Offsets from December to early March, when no zone listed here changes its clock.
WINTER_OFFSETS = {
    "America/New_York": "-05:00",
    "America/Chicago": "-06:00",
    "America/Denver": "-07:00",
    "America/Phoenix": "-07:00",
    "America/Los_Angeles": "-08:00",
    "America/Anchorage": "-09:00",
    "America/Puerto_Rico": "-04:00",
    "America/Toronto": "-05:00",
    "America/Halifax": "-04:00",
    "Pacific/Honolulu": "-10:00",
    "Pacific/Guam": "+10:00",
    "Pacific/Pago_Pago": "-11:00",
    "Europe/London": "+00:00",
    "Europe/Dublin": "+00:00",
    "Europe/Berlin": "+01:00",
    "Europe/Paris": "+01:00",
    "Europe/Madrid": "+01:00",
    "Australia/Sydney": "+11:00",
    "Pacific/Auckland": "+13:00",
}

# Currency; then country, time zone and cities.
ABROAD: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "CAD": (
        (
            "CA",
            "America/Toronto",
            items("Toronto, Montréal, Ottawa, Québec, Hamilton, Kitchener, Trois-Rivières"),
        ),
        ("CA", "America/Halifax", items("Halifax, Moncton, Fredericton, Charlottetown")),
    ),
    "GBP": (
        (
            "GB",
            "Europe/London",
            items("""London, Manchester, Edinburgh, Leeds, Cardiff, Belfast, Glasgow, Bristol,
            Durham, Norwich, Exeter, Aberystwyth"""),
        ),
    ),
    "EUR": (
        (
            "DE",
            "Europe/Berlin",
            items("Berlin, München, Köln, Tübingen, Göttingen, Würzburg"),
        ),
        ("FR", "Europe/Paris", items("Paris, Lyon, Toulouse, Orléans, Besançon, Nîmes")),
        ("IE", "Europe/Dublin", items("Dublin, Cork, Galway, Limerick, Sligo")),
        ("ES", "Europe/Madrid", items("Madrid, Barcelona, Málaga, Córdoba, Cádiz, A Coruña")),
    ),
    "AUD": (
        (
            "AU",
            "Australia/Sydney",
            items("Sydney, Melbourne, Canberra, Wollongong, Ballarat"),
        ),
    ),
    "NZD": (("NZ", "Pacific/Auckland", items("Auckland, Wellington, Dunedin, Whangārei")),),
}

COUNTRY_NAMES = {
    "MX": "Mexico",
    "IN": "India",
    "CA": "Canada",
    "NG": "Nigeria",
    "CN": "China",
    "PH": "the Philippines",
    "VN": "Vietnam",
    "KE": "Kenya",
    "BR": "Brazil",
    "GH": "Ghana",
    "PL": "Poland",
    "NP": "Nepal",
    "UA": "Ukraine",
    "JM": "Jamaica",
    "GB": "the United Kingdom",
    "DE": "Germany",
    "FR": "France",
    "IE": "Ireland",
    "ES": "Spain",
    "AU": "Australia",
    "NZ": "New Zealand",
}

ORIGINS = split("MX IN CA NG CN PH VN KE BR GH PL NP UA JM")
