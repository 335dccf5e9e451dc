"""Finds words of an award's text that restrict who may apply, and for which no coding stands."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

Award = Mapping[str, Any]

NEUTRAL: Final = re.compile(
    r"(?i)men and women|women and men|one man and one woman|male and female"
    r"|any country|all countries|any nationality|around the world|all over the world"
    r"|domestic and international|French and foreign|and abroad"
    r"|work for women and girls|leadership, citizenship and scholarship|of military importance"
    r"|cancer research|special education|qualifying examination|no family tie"
    r"|no essays, grades or test scores|value of the maximum Pell Grant|team members"
    r"|(?:public, private|public) and tribal colleges|Dream Act|DREAM Act"
    r"|Asian Development Bank|Islamic Development Bank|European Union"
    r"|US citizens living in the US apply|Chinese (?:citizens|passports) have"
    r"|bonuses for ACT|with work experience and a mentor|are employed by the host"
    r"|no service obligation|part-time terms",
)
"""Phrases that have a restricting word and restrict nobody."""


class Restriction(NamedTuple):
    name: str
    words: str
    """A regular expression for the name and the description of an award."""
    fields: tuple[str, ...]
    """Criteria that stand for the words, of a set or of a preference; `field:code` wants a code."""
    texts: str = ""
    """A regular expression for other requirements and preferences; default: `words`."""
    example: str = ""


_PLACE = ("residency_countries", "residency_states", "residency_counties")
_STATUS = ("citizenship_required", "citizenships", "immigration_statuses")
_LEVEL = ("grade_levels", "class_years", "degree_levels", "graduation_statuses")
_SCHOOL = ("current_institutions", "future_institutions", "institution_types")
_MONEY = ("financial_need", "pell_eligible", "max_income", "max_sai")

RESTRICTIONS: Final = (
    Restriction(
        "women",
        r"(?i)\b(?:wom[ae]n|girls?|females?|mothers?|daughters?|sisters?|widows?)\b",
        ("genders:woman",),
        example="For daughters of miners.",
    ),
    Restriction(
        "men",
        r"(?i)\b(?:m[ae]n|boys?|males?|fathers?|sons?|brothers?|widowers?)\b",
        ("genders:man",),
        example="For young men who sing.",
    ),
    Restriction(
        "further genders",
        r"(?i)\b(?:non-?binary|transgender|trans|genderqueer)\b",
        ("genders", "lgbtq"),
        example="For transgender students.",
    ),
    Restriction(
        "orientation",
        r"\bLGBT\w*|(?i:\b(?:gay|lesbian|bisexual|queer)\b)",
        ("lgbtq",),
        example="For LGBTQ+ students.",
    ),
    Restriction(
        "Black students",
        r"(?<!istorically )(?<!redominantly )\bBlack\b(?! Engineers)|\bAfrican[- ]Americans?\b",
        ("heritages:black_african_american",),
        example="For African American students.",
    ),
    Restriction(
        "members of a Black society",
        r"\bBlack Engineers\b",
        ("affiliations",),
        example="For members of the National Society of Black Engineers.",
    ),
    Restriction(
        "Hispanic students",
        r"\b(?:Hispanics?|Latin[oaxe]s?|Chican[oa]s?)\b",
        ("heritages:hispanic_latino",),
        example="For Latina students.",
    ),
    Restriction(
        "Indigenous students",
        r"\b(?:American Indians?|Alaska Natives?|Native (?!Hawaiian)\w+|Indigenous|First Nations"
        r"|Inuit|Métis|Aboriginal|Torres Strait|Navajo|Cherokee)\b|(?i:\btrib(?:es?|al)\b)",
        ("heritages:american_indian_alaska_native", "heritages:ancestry", "affiliations:tribe"),
        example="For enrolled members of a tribe.",
    ),
    Restriction(
        "Asian and Pacific students",
        r"\b(?:Asian|Pacific Islanders?|Native Hawaiians?|Hmong|Vietnamese|Filipin[oa]s?)\b",
        ("heritages:asian", "heritages:native_hawaiian_pacific_islander"),
        example="For Asian American students.",
    ),
    Restriction(
        "students of the Middle East",
        r"\b(?:Middle Eastern|North African|Arab|Persian)\b",
        ("heritages:middle_eastern_north_african",),
        example="For Arab American students.",
    ),
    Restriction(
        "ancestry",
        r"\b(?:descent|ancestry|heritage|descendants?)\b",
        ("heritages", "affiliations", "immigration_statuses"),
        example="For students of Armenian descent.",
    ),
    Restriction(
        "minorities",
        r"(?i)\b(?:minorit(?:y|ies)|underrepresented|ethnic|racial (?:or|and)|people of colou?r"
        r"|diversity)\b",
        ("heritages",),
        r"(?i)minorit|underrepresented|ethnic|diversity|obstacles",
        example="For students of an ethnic minority.",
    ),
    Restriction(
        "citizens",
        r"(?i)\bcitizens?(?:hip)?\b|\bpassports?\b|\bUS nationals\b"
        r"|\byoung Americans\b|\bcitizens and nationals\b|\bpermanent residents?\b",
        _STATUS,
        r"(?i)citizen|permanent resident|Indian|Chinese",
        example="Applicants are citizens of Norway.",
    ),
    Restriction(
        "people of some countries",
        r"\b(?:Africans?(?! ?-?American)|Australians|Brazilians|Canadians?|Chileans|Colombians?"
        r"|Indians|Peruvians?|Indonesians?)\b(?! (?:institution|universit|citizens living))"
        r"|\b(?:foreign|international) (?:students?|citizens?|graduates?|researchers?)\b"
        r"|\bfrom (?:abroad|other countries|outside|developing|emerging|least developed"
        r"|(?:low-income |low- and middle-income |member |partner |over |more than |about )"
        r"[^.]{0,20}countries)",
        (*_STATUS, *_PLACE),
        r"(?i)citizen|foreign|international student|countr|live outside|comes from abroad"
        r"|stay in|outside|visa|permit|Canadian",
        example="For students from developing countries.",
    ),
    Restriction(
        "residents",
        r"(?i)\bresidents?\b(?! \w+ building)|\b(?:who|and|to) live in\b|\bliving in\b",
        (*_PLACE, "citizenship_required:permanent_resident", "citizenships:permanent_resident"),
        r"(?i)resident|\blived?\b|area|\bwork in\b|domicile",
        example="For residents of Iowa.",
    ),
    Restriction(
        "immigrants",
        r"\bDACA\b|\bTPS\b|\bDreamers?\b|(?i:\b(?:undocumented|refugees?|asylees?|asylum"
        r"|immigrants?|green card)\b)",
        ("immigration_statuses", "circumstances:immigrant", "circumstances:refugee"),
        example="For undocumented students.",
    ),
    Restriction(
        "first generation",
        r"(?i)\bfirst[- ]generation\b|\bfirst in (?:the|their) (?:immediate )?famil"
        r"|\bfirst in their immediate family\b",
        ("first_generation",),
        example="For first-generation students.",
    ),
    Restriction(
        "military",
        r"(?i)\b(?:veterans?|military|armed forces|service members?|army|navy|marines?|air force"
        r"|coast guard|national guard|rotc|soldiers?|fallen)\b",
        ("military",),
        r"(?i)officer|military|veteran|service",
        example="For families of the Coast Guard.",
    ),
    Restriction(
        "disability and illness",
        r"(?i)\b(?:disab(?:led|ilit(?:y|ies))|deaf\w*|hard of hearing|hearing loss|blind\w*"
        r"|low vision|autis\w+|cancer|chronic\w*|illness(?:es)?|diagnos\w+|wheelchairs?|dyslexi\w+"
        r"|adhd|epilep\w+|diabet\w+|patients?|survivors?)\b",
        ("conditions", "military"),
        example="For students with a disability.",
    ),
    Restriction(
        "members",
        r"(?i)\bmembers? of\b|\b(?:FFA|AISES|enrolled|doctoral|active|corps) members?\b"
        r"|\bmembership\b|\bmembers who\b|\baffiliated with\b|\bbelong to\b",
        ("affiliations", "military", "activities", "heritages"),
        r"(?i)member|belong|affiliat|Bonner|citizen",
        example="For members of the Grange.",
    ),
    Restriction(
        "employees and unions",
        r"(?i)\b(?:employees?|employed|associates|workers?|unions?(?! citizens)|staff)\b"
        r"(?! (?:marie|and))",
        ("affiliations:employer", "affiliations:union", "professions"),
        r"(?i)employ|union|work",
        example="For employees of Acme.",
    ),
    Restriction(
        "families",
        r"(?i)\b(?:children|dependants?|spouses?|grandchildren|families|parents) of (?!children)\b"
        r"|\bsons? (?:and|or) daughters?\b|\band their families\b|\bdependent children\b",
        ("affiliations", "military", "circumstances", "conditions"),
        r"(?i)children|dependant|spouse|famil|parent|immigrant",
        example="For children of firefighters.",
    ),
    Restriction(
        "nomination",
        r"(?i)\bnominat\w+|\bendorse\w*",
        ("affiliations",),
        r"(?i)nominat|endorse|put forward|puts|finalist|Merit",
        example="Schools nominate one student.",
    ),
    Restriction(
        "admission",
        r"(?i)\b(?:admitted|admission)\b|\bhold an? (?:conditional |unconditional )?(?:offer|place)"
        r"|\benroll?ed (?:at|in)\b|\benroll?ment at\b|\bheld at\b",
        (*_SCHOOL, "institution_categories"),
        r"(?i)admi|offer|place|enroll|apply|study|school|universit|college|programme|course",
        example="For students enrolled at Acme College.",
    ),
    Restriction(
        "kinds of colleges",
        r"(?i)\bHBCUs?\b|\bhistorically black\b|\bpredominantly black\b|\bwomen's colleges?\b"
        r"|\bhispanic-serving\b|\bcatholic colleges?\b|\btrade schools? in\b",
        ("institution_categories", "institution_types", "future_institutions"),
        example="For students of historically Black colleges.",
    ),
    Restriction(
        "religion",
        r"\b(?:Christians?|Catholics?|Protestants?|Methodists?|Lutherans?|Baptists?|Mormons?"
        r"|Latter-day|Presbyterians?|Jewish|Jews?|Muslims?|Islamic|Hindus?|Sikhs?|Buddhists?)\b"
        r"|(?i:\b(?:church|faith|religious|clergy|seminary|parish|synagogue|mosque|ministry of"
        r" god)\b)",
        ("religions", "affiliations:religious_body"),
        example="For Lutheran students.",
    ),
    Restriction(
        "childhood",
        r"(?i)\bfoster\b|\bcare leavers?\b|\bwards? of\b|\borphan\w*|\badopted\b|\bkinship\b"
        r"|\blost (?:a|both|one) parents?\b|\blooked after\b",
        ("circumstances",),
        example="For orphans.",
    ),
    Restriction(
        "parents",
        r"(?i)\b(?:single parents?|mothers?|fathers?|pregnant|caregivers?|parenting)\b"
        r"|\bfor parents\b",
        ("circumstances",),
        example="For pregnant students.",
    ),
    Restriction(
        "circumstances",
        r"(?i)\b(?:homeless\w*|incarcerat\w+|prison\w*|farmworkers?|migrants?|displaced|widow\w*"
        r"|domestic violence|rural|remote areas|vulnerable|adversity|obstacles|hardship)\b",
        ("circumstances", "events", "financial_need"),
        example="For homeless students.",
    ),
    Restriction(
        "age",
        r"(?i)\baged?\b|\byears old\b|\bunder \d\d\b|\bnot yet \d\d\b|\b\d\d (?:or|and) "
        r"(?:under|younger|over|older)\b|\bat least 1[4-9]\b|\bat least 2\d\b|\bage limits?\b",
        ("min_age", "max_age"),
        r"(?i)\bage|under|birthday",
        example="For students aged 50 and over.",
    ),
    Restriction(
        "grades",
        r"(?i)\bgrade average\b|\bGPA\b|\bpercent average\b|\btop (?:tenth|one percent)\b"
        r"|\bfirst-class\b|\bgrades of \d",
        ("min_gpa", "class_rank_percent_max", "tests"),
        r"(?i)average|grade|class|percent",
        example="Applicants need a 3.9 grade average.",
    ),
    Restriction(
        "tests",
        r"\b(?:ACT|SAT|PSAT|ENEM|National Merit|FAFSA test)\b"
        r"|(?i:\btest scores?\b|\b(?:national|written) (?:exam\w*|tests)\b|\baptitude test\b)",
        ("tests", "requirements:test_scores"),
        r"(?i)PSAT|\bACT\b|\bSAT\b|test|exam|Merit",
        example="Applicants need an ACT score of 30.",
    ),
    Restriction(
        "money",
        r"(?i)\blow[- ]income\b|\blow income\b|\blimited means\b|\bfinancial need\b"
        r"|\b(?:family|household) (?:income|resources)\b|\bfamilies (?:under|are under)\b|\bpoor\b"
        r"|\bpoverty\b|\bPell\b|\beconomic hardship\b|\bmodest family\b|\bafford\b|\bunmet need\b"
        r"|\bfamily means\b|\bincome limit\b",
        _MONEY,
        r"(?i)income|need|means|resources|afford|poverty|poor|\bAid Index\b|equipped",
        example="For students from poor families.",
    ),
    Restriction(
        "stage of study",
        r"(?i)\b(?:seniors?|juniors?|sophomores?|freshm[ae]n|undergraduates?|postdoctoral"
        r"|transfer students?|high school graduates?|returning adults?|pupils)\b",
        (*_LEVEL, *_SCHOOL, "activities"),
        r"(?i)senior|junior|transfer|undergraduate|high school|first-year|stage|grade",
        example="For college sophomores.",
    ),
    Restriction(
        "hours of study",
        r"(?i)\b(?:full|part|half)[- ]time\b(?! (?:summer|work|year|undergraduate course))",
        ("enrollment", "modes"),
        r"(?i)(?:full|part|half)[- ]time|full LL|employ|work",
        example="For part-time students.",
    ),
    Restriction(
        "obligations",
        r"(?i)\breturn home\b|\breturn to (?:africa|work)\b|\bservice obligation\b|\bpromise to\b"
        r"|\bgovernment service\b|\bteach (?:for|in public)\b|\bcommit(?:ted)? to teach\b",
        (),
        r"(?i)return|serve|service|obligation|teach|work",
        example="Scholars return home.",
    ),
    Restriction(
        "experience",
        r"(?i)\bwork experience\b|\byears of (?:\w+-related |research )?(?:work|experience)\b"
        r"|\bvolunteers?\b|\bentrepreneurs?\b",
        ("activities", "professions"),
        r"(?i)work|experience|volunteer|entrepreneur|service",
        example="Applicants have work experience.",
    ),
    Restriction(
        "sport and art",
        r"(?i)\b(?:athletes?|athletics|sports?|football|baseball|ballet|dancers?|musicians?"
        r"|cadd(?:y|ies)|gymnasts?|golfers?)\b",
        ("activities", "fields_of_study", "cip_codes"),
        example="For gymnasts.",
    ),
    Restriction(
        "uncommon traits",
        r"(?i)\b(?:left-handed|twins?|triplets?|tall(?:er)?|vegetarians?|vegans?|scouts?|4-H"
        r"|stutter\w*|adoptees?|firefighters?|police|nurses' children|surnames?|last name)\b",
        ("affiliations", "activities", "conditions", "circumstances", "interests"),
        example="For left-handed students.",
    ),
)


def unexplained(award: Award) -> Iterator[str]:
    """The restricting words of an award's text for which no coding stands."""
    text = NEUTRAL.sub(" ", f"{award['name']}. {award.get('description', '')}")
    for restriction in RESTRICTIONS:
        found = re.search(restriction.words, text)
        if found and not _is_coded(restriction, award):
            yield f"{restriction.name}: {found[0]!r}"


def _is_coded(restriction: Restriction, award: Award) -> bool:
    preferences = award.get("preferences", [])
    criteria = [
        award.get("eligibility_criteria", {}),
        *award.get("eligibility_sets", []),
        *(preference.get("criteria", {}) for preference in preferences),
        {"requirements": award.get("requirements")},
    ]
    if any(_holds(each, field) for each in criteria for field in restriction.fields):
        return True
    texts = [*award.get("other_requirements", []), *(p.get("text", "") for p in preferences)]
    return any(re.search(restriction.texts or restriction.words, text) for text in texts)


def _holds(criteria: Mapping[str, Any], field: str) -> bool:
    """Whether the criteria hold a field; with `field:code`, whether they name this code in it."""
    name, _, code = field.partition(":")
    value = criteria.get(name)
    if not value:
        return False
    return code in str(value) if code else True
