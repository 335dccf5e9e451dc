"""Templates of the names of awards and of organizations."""

from scholarship_api.sample_data.words.splitting import items, lines

NAMES_FIELD = lines("""
%(first)s %(last)s Memorial %(Kind)s in %(Disc)s
%(Disc)s %(Kind)s
The %(first)s %(last)s %(Kind)s for %(Disc)s
%(last)s Family %(Disc)s %(Kind)s
Future %(Profs)s %(Kind)s
%(org)s %(Disc)s %(Kind)s
The %(first)s %(last)s Memorial %(Kind)s for %(Audience)s in %(Disc)s
%(region)s %(Disc)s %(Kind)s
Dr. %(first)s %(last)s %(Kind)s in %(Disc)s
%(Theme)s %(Kind)s for %(Profs)s
%(Audience)s in %(Disc)s %(Kind)s
%(org)s %(Kind)s for Future %(Profs)s
%(first)s and %(first2)s %(last)s Endowed %(Kind)s in %(Disc)s
%(place)s %(Profs)s %(Kind)s
%(Topic)s %(Kind)s
Professor %(first)s %(last)s %(Kind)s for %(Topic)s
%(last)s-%(last2)s %(Kind)s in %(Disc)s
Captain %(first)s %(last)s %(Kind)s for %(Profs)s
%(Theme)s in %(Topic)s %(Kind)s
The Honorable %(first)s %(last)s %(Disc)s %(Kind)s
%(place)s %(Topic)s Research %(Kind)s
Sister %(first)s %(last)s %(Kind)s in %(Disc)s
""")

NAMES_OPEN = lines("""
%(first)s %(last)s Memorial %(Kind)s
%(last)s Family %(Kind)s
%(org)s %(Kind)s
The %(first)s %(last)s %(Kind)s
%(Theme)s %(Kind)s
%(first)s and %(first2)s %(last)s %(Kind)s
%(region)s %(Theme)s %(Kind)s
%(org)s %(Theme)s %(Kind)s
%(first)s %(last)s Endowed %(Kind)s
%(place)s Community %(Kind)s
%(Kind)s for %(Audience)s
%(place)s Civic Club %(Theme)s %(Kind)s
%(last)s and %(last2)s %(Kind)s
Class of %(Year)s %(Kind)s
Sergeant %(first)s %(last)s Memorial %(Kind)s
The Reverend %(first)s %(last)s %(Kind)s for %(Audience)s
%(place)s High School Alumni %(Kind)s
%(Theme)s %(Kind)s in Honor of %(first)s %(last)s
Judge %(first)s %(last)s %(Theme)s %(Kind)s
%(place)s Garden Club %(Kind)s
Mayor %(first)s %(last)s Civic %(Kind)s
Local %(Local)s Union %(Kind)s
%(place)s Lodge %(Kind)s
Coach %(first)s %(last)s %(Kind)s
""")

NAMES_BY_TYPE: dict[str, tuple[str, ...]] = {
    "athletic": lines("""
    %(Sport)s %(Kind)s
    Coach %(first)s %(last)s %(Sport)s %(Kind)s
    %(place)s Scholar Athlete %(Kind)s
    %(first)s %(last)s Memorial %(Kind)s for %(Sport)s
    %(org)s %(Sport)s %(Kind)s
    """),
    "minority": lines("""
    %(Kind)s for %(Community)s
    %(first)s %(last)s %(Kind)s for %(Community)s
    %(Theme)s %(Kind)s for %(Community)s
    %(org)s Diversity %(Kind)s
    """),
    "community_service": lines("""
    %(Cause)s %(Kind)s
    %(first)s %(last)s Community Service %(Kind)s
    %(place)s Volunteer %(Kind)s
    %(last)s Family %(Kind)s for %(Cause)s
    """),
    "need_based": lines("""
    %(Theme)s Need-Based %(Kind)s
    %(region)s Access %(Kind)s
    %(last)s Family Need-Based %(Kind)s
    %(org)s Emergency %(Kind)s
    """),
}

# Patterns of organization names, each with its share of the pool.
ORGANIZATIONS_OPEN = (
    (16, "%(last)s Family Foundation"),
    (10, "%(first)s %(last)s Foundation"),
    (9, "%(place)s Community Foundation"),
    (9, "University of %(place)s"),
    (8, "%(place)s State University"),
    (6, "%(place)s College"),
    (5, "%(place)s Community College"),
    (4, "%(last)s %(firm)s"),
    (4, "%(last)s & %(last2)s %(firm)s"),
    (3, "%(place)s Education Fund"),
    (3, "%(place)s Civic Club"),
    (3, "%(place)s Credit Union"),
    (3, "%(last)s Charitable Trust"),
    (2, "%(place)s Alumni Association"),
    (2, "%(theme)s Scholars Fund"),
    (2, "Fundación %(last)s"),
    (2, "%(place)s Chamber of Commerce"),
    (1, "Friends of %(first)s %(last)s"),
    (1, "%(last)s College"),
    (1, "Order of Saint %(first)s"),
)

ORGANIZATIONS_FIELD = (
    (6, "%(place)s Association of %(Profs)s"),
    (4, "%(place)s Society of %(Profs)s"),
    (3, "%(place)s Institute of %(Disc)s"),
    (3, "%(place)s School of %(Disc)s"),
    (2, "%(last)s Institute for %(Disc)s"),
    (2, "%(last)s Federation of %(Profs)s"),
    (2, "Guild of %(place)s %(Profs)s"),
)

ORGANIZATIONS_STATE = items("""
%(state)s Higher Education Commission, %(state)s Department of Education,
%(state)s Student Assistance Authority, %(state)s Board of Regents,
%(state)s Workforce Development Agency, %(state)s Department of Veterans Affairs
""")

FIRMS = items("""Industries, Company, Insurance, Bank, Manufacturing, Energy, Foods, Technologies,
Holdings, Logistics, Law Group, Construction, Pharmaceuticals, Motors, Farms, Publishing, Airlines,
Steel, Laboratories, Shipping, Hotels, Textiles, Breweries, Instruments""")
