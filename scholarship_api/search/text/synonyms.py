"""A table of synonyms: what people ask for, and how awards may say it.

A search for a word also finds awards with its synonyms, ranked below awards with the word itself.
The table never excludes an award. Synonyms that no award contains are left out of the query.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from scholarship_api.search.text.capitals import INFORMATION_TECHNOLOGY, STATE_NAMES

# Each side of = is a synonym of the other; the left side of > finds the right side, and not the
# other way round. Plurals need no row of their own.
_TABLE: Final = """
    women = woman = female = girl
    men = man = male = boy
    black = african american
    hispanic = latino = latina = latinx
    native american = american indian = alaska native = indigenous = tribal
    aboriginal = indigenous = first nations
    lgbt = lgbtq = lgbtqia = gay = lesbian = queer = transgender
    immigrant = new american
    undocumented = dreamer = daca
    disabled = disability = handicapped
    veteran = military
    international = foreign
    overseas > foreign = international = abroad
    poor = low income = poverty
    need based = financial need
    first generation = first in family = first in my family = first in their family
    first gen = 1st gen = 1st generation = firstgen = first generation
    1st gen > first in family
    mom = mother
    mom = mother > single parent = student parent
    dad = father > single parent
    dad = father
    adhd = autism = autistic = dyslexia = dyslexic = deaf > disability = disabled
    aapi = asian american = pacific islander
    stepparent = step parent
    caregiver = care giver = carer
    kid = child = children = youth
    teen = teenager = young people
    orphan = foster

    high schooler = high school = secondary school
    undergraduate = undergrad = bachelor
    graduate = grad = postgraduate = postgrad = master
    masters = master
    phd = ph d = doctoral = doctorate
    postdoc = postdoctoral = post doctoral
    mba = business school
    ma > master of arts = master
    ba > bachelor of arts = bachelor
    bs > bachelor of science = bachelor
    bsn = bachelor of science in nursing
    rn = registered nurse
    msw = master of social work
    mph = master of public health
    ot > occupational therapy
    jd = law school
    llm = ll m = master of laws
    md = medical school
    md > medicine
    pa = physician assistant
    police > law enforcement = criminal justice
    medical school > medicine

    computer science = computing = computer = software
    computer science > technology
    cs = computer science
    comp sci = compsci = computer science
    tech > technology
    gpa = grade point average = grade average
    premed = pre med = pre medical
    coding = programming = software = computer science
    ai = artificial intelligence = machine learning
    cybersecurity = cyber security = information security
    medicine = medical = physician = health care
    healthcare = health care
    homeschool = home school = homeschooled = homeschooler
    childcare = child care
    dentist = dentistry = dental
    vet = veterinary = veterinarian
    law = legal
    lawyer = attorney = law = legal = barrister = solicitor
    teacher = teaching
    math = mathematics = mathematical
    science = scientist
    physics = physicist
    biology = life sciences
    space = aerospace
    art > artist
    music = musician
    dance = dancer = ballet
    theatre = theater = drama
    film = cinema = movie
    cooking = culinary = chef = food
    farming = agriculture = farmer
    architect = architecture
    journalist = journalism = media
    librarian = library
    environment = ecology = climate = sustainability
    entrepreneur = entrepreneurship = entrepreneurial = startup
    athlete = sport = athletics
    competition = contest
    leader = leadership
    volunteer = voluntary = community service
    navy = naval
    military = army = navy = armed forces
    full ride = full tuition = full cost = fully funded = full scholarship
    stem = science technology engineering and mathematics
    stem = science technology engineering or mathematics

    usa = us = u s = united states = america
    uk = u k = united kingdom = britain = british = england
    eu = european union
    europe = european
    africa = african
    asia = asian
    australia = australian
    austria = austrian
    brazil = brazilian
    canada = canadian
    chile = chilean
    china = chinese
    colombia = colombian
    france = french
    germany = german
    hungary = hungarian
    india = indian
    indonesia = indonesian
    ireland = irish
    israel = israeli
    italy = italian
    japan = japanese
    kenya = kenyan
    korea = korean
    mexico = mexican
    netherlands = dutch = holland
    peru = peruvian
    spain = spanish
    sweden = swedish
    switzerland = swiss
    turkey = turkish = turkiye

    aauw = american association of university women
    aba = american bar association
    adb = asian development bank
    aises = american indian science and engineering society
    ala = american library association
    daad = german academic exchange service
    dod = department of defense
    doe = department of energy
    ffa = future farmers of america
    grfp = graduate research fellowship
    hbcu = historically black
    hsf = hispanic scholarship fund
    isdb = islamic development bank
    mit = massachusetts institute of technology
    naacp = national association for the advancement of colored people
    nasa = national aeronautics and space administration
    ncaa = national collegiate athletic association
    ndseg = national defense science and engineering graduate
    nhsc = national health service corps
    nih = national institutes of health
    nsbe = national society of black engineers
    nsf = national science foundation
    nyu = new york university
    peo = p e o
    rotc = reserve officers training corps
    sfs = scholarship for service
    shpe = society of hispanic professional engineers
    swe = society of women engineers
    tmcf = thurgood marshall college fund
    uc = university of california
    uncf = united negro college fund
    unc = university of north carolina
    usda = department of agriculture
    wb = world bank
"""

# The stem of these words mostly stands for something else: that of doctor is the stem of doctoral,
# that of educator the stem of education, that of acting the stem of acts.
_MISLEADING_WORDS: Final = """
    doctor > medicine = medical = physician
    educator > teacher = teaching
    acting > theatre = theater = drama = actor
    aging = ageing > gerontology = geriatric = elderly
    marching > music = band
    programming > coding = software = computer science
    programmer > coding = software = computer science
"""

# For IT in capitals. It is no row of the table, whose entries are in small letters.
_INFORMATION_TECHNOLOGY: Final = (("information", "technology"), ("computer", "science"))

# Words for what nearly every award is or does. Beside other words such a word only ranks: awards
# without it are found too.
NOISE: Final = frozenset(
    """scholarship grant award fellowship bursary prize fund funding money cash aid help support
    student people person someone anyone program programme opportunity
    please pl plz thank hello hey im ive dont doesnt cant didnt isnt
    find search look looking get getting want need needed needing apply applying application
    pay paying give giving become becoming study studying learn learning go going offer offered
    best top good available list free new easy quick simple""".split()
) - {"need", "new"}


SynonymPair = tuple[tuple[str, ...], tuple[str, ...]]
"""The words of a query, and words that are searched for, too. Without the latter: all synonyms."""


@dataclass(frozen=True, slots=True)
class SynonymEntry:
    """A row of the table, for the first `word_count` words of a text."""

    word_count: int
    synonyms: tuple[tuple[str, ...], ...]
    """Each a word, or several words that stand side by side."""
    is_misleading: bool = False
    """Whether the word itself mostly stands for something else."""
    is_spelling: bool = False
    """Whether the synonyms are other spellings of the words: premed, pre-med."""
    is_whole: bool = False
    """Whether a sign joins the words: K-12. One of them alone means something else."""


class SynonymTable:
    """Entries by the words that have them, in small letters and the singular."""

    def __init__(self, entries: Mapping[tuple[str, ...], SynonymEntry]) -> None:
        self._entries: Final = entries
        self._longest: Final = max(map(len, entries), default=0)
        self._words: Final = frozenset(
            singular(word)
            for key, entry in entries.items()
            for text in (key, *entry.synonyms)
            for word in text
        )

    def find_entry(self, words: Sequence[str], *, at: int) -> SynonymEntry | None:
        """The longest entry that begins at `words[at]`; the words are as typed."""
        if words[at] == INFORMATION_TECHNOLOGY:
            return SynonymEntry(1, _INFORMATION_TECHNOLOGY)
        if words[at] in STATE_NAMES:
            also = self._entries.get((words[at].lower(),))
            name = tuple(STATE_NAMES[words[at]].split())
            return SynonymEntry(1, (name, *(also.synonyms if also else ())))
        keys = tuple(map(singular, words[at : at + self._longest]))
        for length in range(len(keys), 0, -1):
            found = self._entries.get(keys[:length])
            if found is not None:
                return found
        return None

    def single_words(self) -> Iterator[str]:
        """The words that have an entry of their own; a misspelt word may stand for one of them."""
        return (key[0] for key in self._entries if len(key) == 1)

    def is_entry(self, word: str) -> bool:
        """Whether the word has an entry of its own, so that it is a whole word."""
        return (
            word in STATE_NAMES
            or word == INFORMATION_TECHNOLOGY
            or (singular(word),) in self._entries
        )

    def contains(self, word: str) -> bool:
        """Whether the table has the word, in an entry or among the synonyms of one."""
        return singular(word) in self._words

    def changed(
        self, added: Iterable[SynonymPair], *, removed: Iterable[SynonymPair] = ()
    ) -> "SynonymTable":
        """The table with further pairs and without others. A pair that is added and removed is not
        in it."""
        synonyms = {key: dict.fromkeys(entry.synonyms) for key, entry in self._entries.items()}
        for words, other in added:
            if words != other:
                synonyms.setdefault(_key(words), {})[other] = None
        for words, other in removed:
            kept = synonyms.get(_key(words), {})
            without = _key(other)
            for text in [text for text in kept if not other or _key(text) == without]:
                del kept[text]
        return SynonymTable(
            {
                key: replace(
                    self._entries.get(key, SynonymEntry(len(key), ())), synonyms=tuple(texts)
                )
                for key, texts in synonyms.items()
                if texts
            }
        )


def is_noise(word: str) -> bool:
    """Whether nearly every award contains the word, or could."""
    return singular(word) in NOISE


def singular(word: str) -> str:
    """Lower case without the ending of a plural: the key of the table."""
    word = word.casefold()
    if len(word) > len("ies") and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > len("us") and word.endswith("s") and word[-2] not in "su":
        return word[:-1]
    return word


def _key(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(singular, words))


def built_in_rows() -> Iterator[tuple[list[str], list[str]]]:
    """The rows of the table: texts that mean the same, or texts and what they find beside
    themselves."""
    for table in (_TABLE, _MISLEADING_WORDS):
        for line in filter(str.strip, table.splitlines()):
            left, _, right = line.partition(">")
            yield _texts(left), _texts(right)


def _texts(side: str) -> list[str]:
    return [text.strip() for text in side.split("=") if text.strip()]


def _read_table() -> dict[tuple[str, ...], SynonymEntry]:
    synonyms: dict[tuple[str, ...], dict[tuple[str, ...], None]] = {}
    misleading = set()
    for table in (_TABLE, _MISLEADING_WORDS):
        for line in filter(str.strip, table.splitlines()):
            left, _, right = line.partition(">")
            asked = [tuple(text.split()) for text in left.split("=")]
            found = [tuple(text.split()) for text in right.split("=")] if right else asked
            for words in asked:
                key = tuple(map(singular, words))
                others = [text for text in found if text != words]
                synonyms.setdefault(key, {}).update(dict.fromkeys(others))
                if table is _MISLEADING_WORDS:
                    misleading.add(key)
    return {
        key: SynonymEntry(len(key), tuple(texts), is_misleading=key in misleading)
        for key, texts in synonyms.items()
    }


BUILT_IN: Final = SynonymTable(_read_table())
"""The table of this file, which operators add to and take from while the service runs."""
