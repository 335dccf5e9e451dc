"""Word lists and sentence templates of the synthetic catalogue.

Order carries meaning: lists are drawn from with a Zipf-like weight, so the first entries become
the common words of the catalogue and the last ones the rare words. A template never puts an
article directly before a slot whose first letter varies, so that the text stays free of mistakes.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _items(text: str) -> tuple[str, ...]:
    return tuple(item for item in (" ".join(part.split()) for part in text.split(",")) if item)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


FIRST_NAMES = _words("""
Margaret James Maria Robert Linda John Patricia William Elizabeth David Barbara Michael Susan
Thomas Dorothy Charles Helen George Ruth José Anna Daniel Grace Samuel Alice Joseph Rosa Edward
Frances Henry Martha Paul Eleanor Frank Evelyn Richard Carmen Walter Louise Carlos Catherine
Harold Virginia Luis Irene Arthur Clara Peter Lucille Raymond Marie Ernest Florence Juan Josephine
Albert Edith Ralph Gloria Howard Beatrice Eugene Sylvia Stanley Yolanda Leonard Agnes Francis
Theresa Roy Esther Philip Wilma Clarence Hazel Andrés Mabel Theodore Ida Oscar Olga Victor Pearl
Sofía Lillian Herbert Vivian Ahmed Priya Wei Fatima Kenji Aisha Ngozi Hiroshi Ming Anil Leila
Chinwe Tomás Inés René Zoë Björn Søren François Hélène Jürgen Müge André Noémie Álvaro Benoît
Consuelo Dmitri Esperanza Farid Giuseppe Hortense Ingrid Joaquín Kwame Ludmila Mahalia Nadezhda
Octavia Penelope Quentin Rosalind Siobhan Thaddeus Ursula Valentina Winifred Xiomara Yusuf Zelda
Ambrose Bernadette Cornelius Delphine Ezekiel Fredericka Gwendolyn Hyacinth Isadora Jedediah
Katarzyna Leopold Mirabel Nehemiah Ottilie Prudence Rutherford Seraphina Tobias Ulysses Verity
""")

SURNAMES = _words("""
Smith Johnson Williams Brown Garcia Jones Miller Davis Rodríguez Martínez Wilson Anderson Taylor
Thomas Moore Jackson Martin Lee Thompson White Harris Clark Lewis Robinson Walker Nguyen Young
Allen King Wright Hernández López Scott Hill Green Adams Baker Nelson Campbell Mitchell Roberts
Carter Phillips Evans Turner Torres Parker Collins Edwards Stewart Morris Murphy Rivera Cook
Rogers Morgan Peterson Cooper Reed Bailey Kim Patel Chen Okafor Singh Wong Cohen Schmidt Tanaka
Kelly Howard Ramos Cox Ward Richardson Watson Brooks Chávez Wood Bennett Gray Mendoza Ruiz Hughes
Price Álvarez Castillo Sanders Myers Long Ross Foster Jiménez Powell Jenkins Perry Russell Sullivan
Bell Coleman Butler Henderson Barnes González Fisher Vásquez Simmons Romero Jordan Patterson
Alexander Hamilton Graham Reynolds Griffin Wallace Moreno West Cole Hayes Bryant Herrera Gibson
Ellis Tran Medina Aguilar Stevens Murray Ford Castro Marshall Owens Harrison Fernández McDonald
Woods Washington Kennedy Wells Vargas Henry Freeman Webb Tucker Guzmán Burns Crawford Olson Simpson
Porter Hunter Gordon Méndez Silva Shaw Snyder Mason Dixon Muñoz Hunt Hicks Holmes Palmer Wagner
Black Robertson Boyd Rose Stone Salazar Fox Warren Mills Meyer Rice Schwartz Peña Núñez Müller
Dubois Lefèvre Ibrahim Hassan Khan Rahman Abdi Mensah Owusu Diallo Nakamura Suzuki Watanabe Park
Choi Zhang Huang Liu Ivanov Petrov Novák Horváth Kovács Jørgensen Nyström Lindqvist O'Brien
O'Connor MacLeod Fitzgerald Whitfield Rosenthal Goldberg Kaplan Weiss Begay Yazzie Kealoha Kahale
""")

# Syllables of the rare names: every beginning goes with every ending of its row.
SURNAME_SYLLABLES = (
    (
        _words("""Ash Black Bram Brad Bren Brook Cal Carl Chal Clay Clif Col Cran Dal Den Dray East
        Elm Fair Farn Gar Glen Graf Green Hal Ham Har Hart Hather Haw Hazel Hol Kel Kings Lang Lark
        Lin Long Lyn Mar Mel Mill Nor North Oak Pem Pres Rad Red Ring Rush Sand Shel Stan Stock
        Thorn Under Wal War Wake West Whit Win"""),
        _words("""bourne bridge bury by combe cott croft dale den field ford gate ham hurst ington
        land ley low man more ridge shaw stead stone ton ville wick wood worth well"""),
    ),
    (
        _words("""Grab Mal Kam Dobr Ostr Pawl Rutk Sad Tarn Bor Jan Wit Czarn Gaj Jag Krak Lip
        Mich Nied Piotr Rog Sikor Tok Urb Wys Zab"""),
        _words("owski inski owicz ewski anek owiak enko inska"),
    ),
    (
        _words("""Mont Cast Val Torr Camp Font Mir Sal Riv Cald Per Barr Mor Quint Sant Guerr Herr
        Lob Pal Zam"""),
        _words("alvo ellón anova erde alba edo ero illo ano aluz aga osa ez eño adas"),
    ),
    (
        _words("Ade Ola Olu Ayo Oko Nwa Chi Eze Obi Uche Ife Oye Aki Baba Ogun"),
        _words("bayo dele wale kunle yemi nkwo chukwu mba nna tola shola soye fola niyi rinde"),
    ),
    (
        _words("""Yama Kawa Naka Taka Matsu Fuji Ishi Mori Oka Hara Shima Kita Naga Kuro Shira
        Haya Miya Nishi Hiro Iwa Sugi Toyo Uchi Kiyo"""),
        _words("""moto mura shita da saki hara no zawa gawa guchi yama tani kura mizu shima bashi
        naga"""),
    ),
    (
        _words("""Rama Venkata Subra Krishna Chandra Raja Deva Hari Jaya Nara Vijaya Siva Govinda
        Ananda Surya"""),
        _words("swamy nathan murthy kumar narayan rajan sekhar prasad mani das gopal pathy"),
    ),
    (
        _words("""Anders Bengt Carl Dag Erik Fredrik Gunnar Halvor Ingvar Jörgen Knut Lars Magnus
        Nils Olaf Peder Rasmus Sven Torvald Ulrik Viggo Øystein"""),
        _words("sen son stad gård lund dahl berg vik holm ström"),
    ),
    (
        _words("""Stein Rosen Gold Silber Linden Eich Grün Wein Hoch Neu Alt Korn Blum Kirch Schön
        Wald Ober"""),
        _words("berg mann feld bach thal heim hauser dorf baum meier hof"),
    ),
    (
        _words("Hakob Petros Sark Grigor Baghdas Manouk Avet Karap Hovsep Vart Tor Zak"),
        _words("ian yan"),
    ),
    (
        _words("Papa Dimitri Konstantin Anast Georg Theod Nikol Vasil Stef"),
        _words("opoulos akis iou ides"),
    ),
    (
        _words("Mc O'"),
        _words("""Adlam Bride Cafferty Carron Clellan Dermott Elroy Farrell Garrity Hanlon Keever
        Laverty Mahon Nally Quillan Rafferty Shane Tiernan Varish"""),
    ),
)

PLACE_SYLLABLES = (
    (
        _words("""Cedar Maple Juniper Willow Birch Aspen Alder Laurel Heron Falcon Otter Elk Raven
        Swan Eagle Copper Iron Flint Granite Amber Crystal Silver Rock Stony Sugar Clover Prairie
        Meadow Orchard Harvest Summer Winter Mission Pilgrim Quaker Liberty Union Pine Spruce
        Sparrow"""),
        _words("""brook crest vale haven mont port side view wood ville ton burg field dale ford
        bend point glen ridge mead"""),
    ),
    (
        ("San ", "Santa "),
        _words("""Aurelia Benita Calixto Delfina Eulalia Fermín Gaspar Honorio Isidora Justino
        Ladislao Melitón Narcisa Olalla Pascual Quirino Remedios Severino Tecla Úrsula"""),
    ),
    (
        _words("""Win Pot Chip Mus Ogal Tal Wau Ken Osh Men Sus Cah Yak Nip Mon Wap Ash Pen Nan
        Tusc"""),
        _words("awaka ahoma ewa ohannock aloosa iscot onee attawa askee omink itchie uquah"),
    ),
)

# Four of five towns have none.
PLACE_SUFFIXES = tuple(
    suffix
    for word in _words("Falls Springs Heights Valley Harbor Junction Lake Grove Mills Park")
    for suffix in ("", "", "", "", f" {word}")
)

CITIES = _items("""
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
STATES = _lines("""
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
    _words("CA OR WA NV AZ HI AK GU AS MP"),
    _words("TX OK NM LA AR CO"),
    _words("FL GA AL SC NC TN MS PR VI"),
    _words("NY NJ PA CT DE MD DC VA WV"),
    _words("MA NH ME VT RI"),
    _words("IL OH MI IN WI MN IA MO KY"),
    _words("CO UT ID MT WY ND SD NE KS"),
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
            _items("Toronto, Montréal, Ottawa, Québec, Hamilton, Kitchener, Trois-Rivières"),
        ),
        ("CA", "America/Halifax", _items("Halifax, Moncton, Fredericton, Charlottetown")),
    ),
    "GBP": (
        (
            "GB",
            "Europe/London",
            _items("""London, Manchester, Edinburgh, Leeds, Cardiff, Belfast, Glasgow, Bristol,
            Durham, Norwich, Exeter, Aberystwyth"""),
        ),
    ),
    "EUR": (
        ("DE", "Europe/Berlin", _items("Berlin, München, Köln, Tübingen, Göttingen, Würzburg")),
        ("FR", "Europe/Paris", _items("Paris, Lyon, Toulouse, Orléans, Besançon, Nîmes")),
        ("IE", "Europe/Dublin", _items("Dublin, Cork, Galway, Limerick, Sligo")),
        ("ES", "Europe/Madrid", _items("Madrid, Barcelona, Málaga, Córdoba, Cádiz, A Coruña")),
    ),
    "AUD": (
        ("AU", "Australia/Sydney", _items("Sydney, Melbourne, Canberra, Wollongong, Ballarat")),
    ),
    "NZD": (("NZ", "Pacific/Auckland", _items("Auckland, Wellington, Dunedin, Whangārei")),),
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
ORIGINS = _words("MX IN CA NG CN PH VN KE BR GH PL NP UA JM")

# Field: name in a sentence, related fields, disciplines, professions, research topics.
FIELDS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]]
FIELDS = {
    "business": (
        "business",
        _words("social_sciences mathematics law technology other"),
        _items("""business administration, accounting, finance, marketing, management, economics
        and trade, supply chain management, entrepreneurship, real estate, human resources,
        actuarial science, insurance and risk management, international business, logistics,
        hospitality management, sports management, auditing, nonprofit management"""),
        _items("""entrepreneurs, accountants, business leaders, bankers, managers, auditors,
        financial planners, actuaries, insurance brokers, marketers, logisticians, realtors"""),
        _items("""small business growth, ethical leadership, microfinance, retail analytics,
        cooperative ownership, family enterprises, procurement, franchising, corporate governance,
        consumer behavior, bookkeeping, export markets, venture funding, taxation, wholesale trade,
        branding, freight brokerage, inventory forecasting, bankruptcy
        reform, philanthropy, receivables, pension funds, treasury operations"""),
    ),
    "engineering": (
        "engineering",
        _words("technology science mathematics"),
        _items("""civil engineering, mechanical engineering, electrical engineering, chemical
        engineering, aerospace engineering, biomedical engineering, environmental engineering,
        industrial engineering, structural engineering, materials engineering, petroleum
        engineering, transportation engineering, nuclear engineering, mining engineering,
        geotechnical engineering, marine engineering, acoustical engineering, ceramic engineering,
        manufacturing engineering, water resources engineering"""),
        _items("""engineers, civil engineers, mechanical engineers, inventors, surveyors, electrical
        engineers, builders, naval architects, machinists, welding engineers, metallurgists"""),
        _items("""renewable energy, bridge design, clean water, robotics, batteries, highway safety,
        earthquake resilience, wind turbines, semiconductors, combustion, stormwater, additive
        manufacturing, turbomachinery, concrete durability, prosthetic limbs, propulsion,
        tribology, cryogenics, photovoltaics, desalination, tunneling, vibration control,
        geothermal heat, hydraulics, levees, elevators, lubricants, boilers, mechatronics,
        refrigeration, dredging, composite laminates"""),
    ),
    "medicine": (
        "medicine and health",
        _words("science nursing social_sciences"),
        _items("""medicine, public health, pharmacy, dentistry, physical therapy, veterinary
        medicine, health administration, occupational therapy, family medicine, pediatrics,
        optometry, nutrition and dietetics, epidemiology, respiratory therapy, radiography, surgery,
        psychiatry, oncology, audiology, chiropractic studies, podiatry, medical laboratory
        science, osteopathic medicine"""),
        _items("""physicians, pharmacists, dentists, doctors, physical therapists, veterinarians,
        health workers, surgeons, paramedics, optometrists, dietitians, radiographers,
        epidemiologists, podiatrists, audiologists"""),
        _items("""rural health, cancer care, diabetes, mental health, vaccines, heart disease,
        addiction recovery, kidney disease, maternal care, dementia, asthma, gene therapy, stroke
        rehabilitation, cystic fibrosis, lupus, malaria, hemophilia, scoliosis, orthodontics,
        glaucoma, sepsis, telemedicine, palliative care, antibiotics, migraine, sarcoidosis,
        tinnitus, prosthodontics, toxicology, melanoma, endometriosis, hepatitis"""),
    ),
    "education": (
        "education",
        _words("social_sciences arts mathematics other"),
        _items("""education, elementary education, special education, secondary education, early
        childhood education, teaching, educational leadership, bilingual education, counselor
        education, literacy studies, physical education, library science, curriculum design, music
        education, agricultural education, adult education"""),
        _items("""teachers, educators, school counselors, librarians, coaches, principals, tutors,
        reading specialists, music teachers, speech pathologists, preschool teachers"""),
        _items("""reading, classroom technology, rural schools, early literacy, dyslexia, outdoor
        learning, school leadership, language immersion, autism support, mentoring, phonics,
        inclusive classrooms, numeracy, storytelling, Montessori methods, braille, kindergarten
        readiness, assessment, homeschooling, truancy prevention, sign language, museum education,
        pedagogy, handwriting"""),
    ),
    "technology": (
        "computing and technology",
        _words("engineering mathematics science business"),
        _items("""computer science, information technology, cybersecurity, data science, software
        engineering, information systems, artificial intelligence, web development, game design,
        computer networking, cloud computing, bioinformatics, human-computer interaction, digital
        forensics, geographic information systems, database administration, telecommunications"""),
        _items("""programmers, software developers, technologists, data scientists, security
        analysts, network technicians, game developers, system administrators, web designers"""),
        _items("""machine learning, open source software, accessibility, privacy, online safety,
        cryptography, robotics software, digital inclusion, compilers, virtual reality, drones,
        computer vision, distributed systems, malware analysis, quantum computing, speech
        recognition, blockchain, embedded firmware, wearable sensors, procedural graphics,
        spreadsheets, search engines, chatbots, recommender systems, typography on screens,
        satellite broadband, fuzz testing, esports platforms"""),
    ),
    "science": (
        "the natural sciences",
        _words("mathematics engineering medicine technology"),
        _items("""biology, chemistry, environmental science, physics, geology, marine biology,
        biochemistry, ecology, astronomy, microbiology, genetics, botany, zoology, meteorology,
        oceanography, neuroscience, forensic science, wildlife conservation, entomology, materials
        science, paleontology, soil science, mycology, ornithology, limnology, crystallography"""),
        _items("""scientists, biologists, chemists, researchers, physicists, geologists, ecologists,
        astronomers, naturalists, meteorologists, botanists, entomologists, paleontologists"""),
        _items("""climate change, water quality, wetlands, conservation, pollinators, coral reefs,
        endangered species, renewable fuels, wildfire, fisheries, particle physics, glaciers,
        proteins, invasive plants, exoplanets, groundwater, volcanoes, migratory birds, lichens,
        photosynthesis, tidal marshes, meteorites, salamanders, seagrass, spectroscopy, fossils,
        bats, mangroves, permafrost, plankton, seismology, enzymes, orchids, sturgeon, moths,
        caves, nematodes, estuaries, kelp forests, isotopes"""),
    ),
    "nursing": (
        "nursing",
        (),
        _items("""nursing, registered nursing, practical nursing, pediatric nursing, community
        health nursing, geriatric nursing, critical care nursing, oncology nursing, psychiatric
        nursing, nurse anesthesia, perioperative nursing, school nursing, neonatal nursing, hospice
        nursing, military nursing"""),
        _items("""nurses, registered nurses, nurse practitioners, nurse educators, nurse leaders,
        school nurses, nurse midwives, emergency nurses, hospice nurses"""),
        _items("""bedside care, patient safety, rural clinics, elder care, infection control, wound
        care, night shift staffing, intensive care, home visits, infant health, dialysis, trauma
        response, compassionate care, pain management, lactation support, triage, immunization
        outreach, burn units"""),
    ),
    "arts": (
        "the arts",
        _words("education social_sciences technology other"),
        _items("""music, visual arts, graphic design, theater, art history, dance, creative writing,
        film production, photography, architecture, fashion design, interior design, vocal
        performance, animation, sculpture, ceramics, choral music, journalism and design, jazz
        studies, printmaking, illustration, opera, landscape architecture, jewelry making, weaving,
        organ performance"""),
        _items("""artists, musicians, writers, designers, architects, dancers, photographers, poets,
        filmmakers, actors, composers, sculptors, playwrights, illustrators, organists, weavers,
        potters, violinists, cartoonists"""),
        _items("""public murals, chamber music, poetry, folk traditions, documentary film, stage
        lighting, watercolor, community theater, songwriting, marching band, ballet, bluegrass, oil
        painting, puppetry, typography, quilting, screenwriting, mosaics, calligraphy, woodcarving,
        costume design, stained glass, mariachi, violin making, bookbinding, tapestry, choreography,
        percussion, harpsichord, lacework, gospel choirs, glassblowing, piano pedagogy"""),
    ),
    "social_sciences": (
        "the social sciences",
        _words("education law arts business"),
        _items("""psychology, social work, political science, history, sociology, criminal justice,
        communications, economics, international relations, anthropology, public policy, geography,
        journalism, linguistics, archaeology, gender studies, philosophy, counseling, urban
        planning, Indigenous studies, demography, gerontology, classics, genealogy"""),
        _items("""social workers, counselors, historians, psychologists, journalists, public
        servants, diplomats, sociologists, economists, archaeologists, linguists, geographers,
        archivists"""),
        _items("""housing policy, foster care, local government, civil rights, immigration, voting,
        oral history, juvenile justice, refugees, family therapy, labor history, peace studies,
        tribal sovereignty, food deserts, aging, folklore, endangered languages, rural poverty,
        homelessness, census data, treaty rights, adoption, diasporas, museum collections,
        propaganda, suffrage, urban renewal, kinship, pottery shards, cartography, medieval guilds,
        hieroglyphs"""),
    ),
    "law": (
        "law",
        _words("social_sciences business education"),
        _items("""law, paralegal studies, constitutional law, environmental law, immigration law,
        family law, intellectual property law, labor law, legal studies, health law, tax law,
        maritime law, civil rights law, tribal law, elder law"""),
        _items("""attorneys, lawyers, paralegals, public defenders, judges, legal advocates,
        prosecutors, court reporters, mediators, bailiffs"""),
        _items("""access to justice, legal aid, public defense, human rights, tenant protection,
        water rights, mediation, voting rights, patents, labor standards, restorative justice,
        antitrust, disability rights, guardianship, appellate advocacy, jury selection, extradition,
        copyright, probate, asylum, eminent domain, zoning, admiralty claims"""),
    ),
    "mathematics": (
        "mathematics",
        _words("science technology engineering"),
        _items("""mathematics, statistics, applied mathematics, mathematics education, data
        analysis, biostatistics, operations research, pure mathematics, computational mathematics,
        mathematical physics, number theory, topology"""),
        _items("""mathematicians, statisticians, analysts, mathematics teachers, quantitative
        researchers, geometers, biostatisticians"""),
        _items("""probability, geometry, algebra, modeling, forecasting, game theory, optimization,
        graph theory, combinatorics, differential equations, survey sampling, knot theory, fractals,
        prime numbers, numerical methods, tessellations, logic puzzles, Bayesian inference,
        manifolds, queueing, sudoku, abacus arithmetic"""),
    ),
    "other": (
        "vocational and other studies",
        (),
        _items("""agriculture, culinary arts, skilled trades, aviation, welding, automotive
        technology, hospitality, horticulture, forestry, cosmetology, construction, fire science,
        animal science, electrical trades, plumbing, baking and pastry, heavy equipment operation,
        carpentry, maritime studies, theology, military science, floral design, viticulture,
        apiculture, funeral service, equine studies, gunsmithing, turf management, truck driving,
        shipbuilding, brewing, farriery"""),
        _items("""farmers, chefs, pilots, welders, electricians, firefighters, carpenters,
        mechanics, plumbers, foresters, bakers, ranchers, barbers, stonemasons, florists, truckers,
        ministers, beekeepers, vintners, morticians, farriers, millwrights, lineworkers,
        arborists"""),
        _items("""family farms, apprenticeships, sustainable agriculture, food service, hand tools,
        livestock, flight safety, greenhouse growing, hydroponics, timber framing, dairy herds,
        soil health, sheet metal, diesel engines, cattle, heirloom seeds, masonry, pastry,
        beekeeping, cranberry bogs, roofing, orchards, irrigation, sheep shearing, upholstery, maple
        syrup, trout hatcheries, blacksmithing, cheese, saddlery, pecans, air traffic control,
        lobster boats, elevator repair, alpacas, mushrooms"""),
    ),
}

FIELD_ORDER = tuple(FIELDS)

SPORTS = _items("""basketball, soccer, football, softball, baseball, track and field, volleyball,
swimming, tennis, golf, wrestling, cross country, lacrosse, ice hockey, rowing, gymnastics, bowling,
field hockey, archery, fencing, rodeo, water polo, sailing, skiing, cheerleading, rugby, cycling,
badminton, equestrian sport, surfing, diving, curling, disc golf, triathlon, biathlon, squash""")

COMMUNITIES = _items("""Hispanic students, Black students, Native American students, Latina women,
Asian American students, underrepresented students, African American students, tribal members,
Pacific Islander students, Alaska Native students, Native Hawaiian students, Hmong students,
refugees and asylees, Armenian American students, Chicano students, Filipino American students,
Korean American students, Arab American students, Haitian American students, Somali students,
Cape Verdean students, Polish American students, Portuguese American students, Roma students""")

AUDIENCES = _items("""women, first-generation students, community college students, transfer
students, veterans, rural students, adult learners, single parents, military families, students with
disabilities, foster youth, working students, returning students, new Americans, young leaders,
farm families, union members, eagle scouts, children of firefighters, left-handed students, twins,
cancer survivors, deaf students, amputees, grandparents, tall students, homeschooled students,
orphans, caddies, dreamers, members of marching bands, children of miners, students with epilepsy,
descendants of immigrants, survivors of domestic violence, blind students, students with hemophilia,
employees and dependents, peace corps volunteers, bagpipers, duck callers""")

CAUSES = _items("""community service, youth mentoring, hunger relief, environmental stewardship,
volunteer work, literacy, animal welfare, affordable housing, disaster relief, civic engagement,
veterans' causes, neighborhood safety, suicide prevention, blood donation, elder companionship,
recycling, refugee resettlement, peer tutoring, park restoration, food banks, disability advocacy,
anti-bullying work, river cleanups, search and rescue, trail building, hospice visits, tree
planting, interfaith dialogue, meal delivery, oral history projects, wildlife rescue, community
gardens, crisis hotlines, clothing drives, toy collections, lifeguarding, historic preservation,
gleaning""")

THEMES = _items("""Leadership, Community, Opportunity, Future Leaders, Academic Excellence, Merit,
First Generation, Service, Presidential, Achievement, Pathways, Promise, Horizons, Bright Futures,
Alumni, Trustees, Perseverance, Legacy, Hometown, Centennial, Founders, Chancellor's, Dream,
Courage, Golden, Innovation, Rising Star, Pioneer, Citizenship, Character, Stewardship, Discovery,
Compass, Beacon, Lantern, Keystone, Evergreen, Cornerstone, Heritage, Bridge, Torchbearer, Odyssey,
Phoenix, Summit, Lighthouse, Wayfinder, Sunrise, Mosaic, Catalyst, Trailblazer, Aurora, Meridian""")

QUALITIES = _items("""leadership, academic achievement, character, service, determination,
integrity, initiative, perseverance, curiosity, creativity, resilience, citizenship, teamwork,
dedication, compassion, maturity, originality, generosity, responsibility, work ethic, humility,
courage, good humor, thrift, kindness, discipline, optimism, empathy, honesty, patience, enthusiasm,
diligence, sportsmanship, scholarship, imagination, tenacity, resourcefulness, self-reliance,
punctuality, gratitude, persistence, loyalty, ingenuity, eloquence, tact, fairness, craftsmanship,
candor, stewardship, fortitude, neighborliness, open-mindedness, perspicacity, gumption""")

ADJECTIVES = _words("""strong outstanding accomplished promising talented local deserving motivated
dedicated exceptional committed ambitious hardworking young bright civic emerging gifted active
proven persistent practical creative capable thoughtful serious curious modest energetic
enterprising resilient inventive scholarly diligent courageous versatile articulate steadfast
resourceful compassionate unassuming tireless spirited meticulous visionary earnest plucky
unconventional intrepid conscientious quiet generous industrious perceptive daring principled
disciplined""")

JOBS = _items("""teacher, engineer, physician, business owner, nurse, farmer, veteran, attorney,
professor, banker, coach, librarian, machinist, pharmacist, minister, electrician, accountant,
carpenter, firefighter, school principal, postal worker, rancher, police officer, journalist,
chemist, seamstress, pilot, musician, bus driver, dairy farmer, welder, dentist, judge, architect,
grocer, baker, railroad conductor, printer, steelworker, social worker, surveyor, telephone
operator, fisherman, tailor, mail carrier, baseball umpire, textile worker, coal miner, stonemason,
florist, riverboat captain, cartographer, piano tuner, lighthouse keeper, watchmaker, cobbler,
locksmith, beekeeper, logger, typesetter, glazier, midwife, weaver, blacksmith, taxidermist,
puppeteer, milliner, cooper, clockmaker, harness maker, switchboard operator, botanist,
cryptographer, wheelwright""")

HOBBIES = _items("""reading, music, gardening, sports, travel, volunteering, cooking, fishing,
hiking, chess, photography, painting, camping, woodworking, bird watching, baking, sailing, amateur
radio, quilting, storytelling, astronomy, dancing, jazz records, model trains, stamp collecting,
knitting, crossword puzzles, ham radio, canoeing, poetry, history books, rock climbing, square
dancing, pottery, antique cars, old maps, bridge tournaments, juggling, origami, falconry,
geocaching, coin collecting, barbershop singing, kite flying, fly tying, snowshoeing, banjo tunes,
sourdough, bonsai, croquet, spelunking, needlepoint, accordion music, roller skating, beachcombing,
ventriloquism, marquetry, sundials, tide pools, horseshoes, whittling, yodeling, orienteering,
topiary, foraging""")

USES = _items("""tuition, books, fees, housing, supplies, travel, equipment, laboratory fees,
childcare, a laptop computer, room and board, transportation, certification exams, research
expenses, tools, uniforms, conference travel, meals, application fees, instrument repair, field
work, licensing exams, summer courses, study abroad, internet service, software, health insurance,
parking, art materials, printing, safety boots, studio time, flight hours, tutoring, archive visits,
specimen collection, relocation, eyeglasses, graduation regalia, microscopes""")

PEOPLE = _items("""family members, friends, alumni, colleagues, former students, neighbors,
employees, local donors, classmates, volunteers, members, community leaders, business partners,
faculty, retired teachers, parishioners, grandchildren, shipmates, patients, customers, teammates,
club members, bandmates, fellow veterans, coworkers, union brothers and sisters, trustees, cousins,
choir members, godchildren, apprentices, fellow ranchers, hunting companions, tenants, pen pals""")

ESSAY_TOPICS = _items("""career goals, leadership, community service, a personal challenge, future
plans, financial need, an influential mentor, overcoming adversity, educational goals, the value of
education, family, a problem worth solving, ethics, diversity, a failure and its lessons, the
meaning of service, a favorite book, civic duty, first jobs, immigration, hometown history,
sustainability, gratitude, technology and society, freedom of speech, grief, a turning point, work
and dignity, teamwork, courage, an unpopular opinion, a family recipe, silence, a broken object,
forgiveness, the night sky, a long walk, maps, democracy, music and memory, an heirloom,
patience""")

REVIEWERS = _items("""volunteer committee, selection committee, scholarship committee, faculty
panel, board of directors, independent panel, panel of judges, alumni committee, group of former
recipients, board of trustees, jury of practitioners, financial aid office, team of employees,
regional chapter, admissions staff, council of elders, retired judges' panel, dean's advisory group,
guild council""")

OPENINGS = _lines("""
%(org)s offers this %(kind)s to %(adj1)s %(grades)s.
%(org)s awards the %(donor)s %(kind)s to %(grades)s who show %(quality1)s and %(quality2)s.
This %(kind)s from %(org)s supports %(adj1)s %(grades)s.
%(org)s established this %(kind)s to help %(grades)s reach their educational goals.
Through this %(kind)s, %(org)s recognizes %(grades)s for %(quality1)s.
Established in %(year)s in memory of %(donor)s, this %(kind)s is administered by %(org)s.
This program of %(org)s invests in %(grades)s with financial support and mentoring.
%(org)s created the %(kind)s in %(year)s to honor %(donor)s and reward %(quality1)s.
Each year %(org)s selects %(adj1)s %(grades)s for this %(kind)s.
Since %(year)s, %(org)s has funded %(adj1)s %(grades)s from %(region)s and beyond.
A gift from the %(last)s family allows %(org)s to support %(grades)s.
The %(last)s %(kind)s, managed by %(org)s, opens doors for %(adj1)s %(grades)s.
With this %(kind)s %(org)s celebrates %(quality1)s, %(quality2)s and lifelong learning.
%(org)s sponsors this competitive %(kind)s for %(grades)s.
Named for %(donor)s of %(place)s, this %(kind)s encourages %(grades)s to persist.
%(org)s, based in %(home)s, provides this %(kind)s for %(adj1)s %(grades)s.
An anonymous benefactor endowed this %(kind)s at %(org)s in %(year)s.
The bequest of %(donor)s, once of %(place)s, lets %(org)s assist %(grades)s.
""")

PURPOSE_FIELD = _lines("""
Applicants must be pursuing a degree in %(disc)s or a closely related program.
The goal is to prepare the next generation of %(profs)s.
Preference is given to students of %(disc)s with interest in %(topic1)s.
It is intended for students who plan careers as %(profs)s.
Candidates should major in %(disc)s and plan to work in the field after graduation.
Funding helps future %(profs)s finish their training in %(disc)s without heavy debt.
Recipients study %(disc)s at an accredited college or university.
Projects on %(topic1)s or %(topic2)s are especially welcome.
The program strengthens the workforce in %(disc)s across %(region)s.
Eligible majors include %(disc)s and programs with emphasis on %(topic1)s.
Research experience in %(topic1)s is helpful but not required.
Students enrolled in %(disc)s programs of any accredited institution may apply.
The fund responds to the shortage of %(profs)s in %(region)s.
Coursework in %(disc)s must be under way when the term begins.
Past recipients have worked on %(topic1)s, %(topic2)s and related questions.
""")

PURPOSE_OPEN = _lines("""
Students in every field of study are welcome to apply.
The goal is to make higher education affordable for families in %(region)s.
There is no restriction on the intended major.
It rewards %(quality1)s in the classroom and in the community.
Any course of study at an accredited college or university qualifies.
Recipients may attend the two-year or four-year institution of their choice.
Trade schools, community colleges and universities are all accepted.
The fund removes financial barriers that keep students from finishing a degree.
It recognizes the student whose %(quality1)s has made a difference at home and at school.
The program values %(quality1)s as highly as test scores.
""")

PURPOSE_BY_TYPE: dict[str, tuple[str, ...]] = {
    "need_based": _lines("""
    Demonstrated financial need is the most important factor.
    The fund assists students from low-income households who could not otherwise enroll.
    Applicants submit the FAFSA or an equivalent statement of household income.
    It closes the gap between other financial aid and the true cost of attendance.
    Pell Grant recipients and students with unmet need are encouraged to apply.
    """),
    "athletic": _lines("""
    Candidates must have competed in %(sport)s at the varsity or club level.
    The award honors the student athlete who excels in %(sport)s and in the classroom.
    Participation in %(sport)s for at least two seasons is expected.
    Coaches nominate athletes whose conduct in %(sport)s sets an example for teammates.
    """),
    "minority": _lines("""
    The program is designed for %(community)s and promotes representation in higher education.
    It expands access for %(community)s through funding and a network of mentors.
    Applicants identify as members of communities that the program serves, among them %(community)s.
    """),
    "community_service": _lines("""
    Applicants document at least fifty hours of service, for example in %(cause1)s.
    It honors students whose volunteering in %(cause1)s improved the lives of others.
    A record of involvement in %(cause1)s or %(cause2)s is expected.
    Service to others, such as %(cause1)s, carries the greatest weight.
    """),
    "academic_achievement": _lines("""
    Grades, class rank and the difficulty of coursework are the main factors.
    It is reserved for students with distinguished academic records.
    Honors courses, published work and academic competitions strengthen the application.
    """),
    "merit_based": _lines("""
    Selection is based on merit, including grades, activities and %(quality2)s.
    The award recognizes accomplishment in school, at work and in public life.
    Merit is judged on the whole record rather than on one test.
    """),
}

# Roles of the remaining sentences; a description takes at most one of each.
ROLES: tuple[tuple[str, ...], ...] = (
    _lines("""
    Applications are reviewed by the %(reviewers)s.
    The %(reviewers)s looks for %(quality3)s, %(quality4)s and clear goals.
    Finalists may be invited to an interview with the %(reviewers)s.
    Selection considers %(quality3)s, %(quality4)s and extracurricular activities.
    Reviewers weigh grades, activities and evidence of %(quality3)s.
    Decisions of the %(reviewers)s are final and are announced by email.
    Evidence of %(quality3)s outside the classroom is considered.
    Every complete application is read twice by the %(reviewers)s.
    Preference is given to %(audience)s, though all eligible students are considered.
    Nominees are ranked on %(quality3)s first and %(quality4)s second.
    A blind review keeps names hidden until the %(reviewers)s has finished scoring.
    Semifinalists record a short video that shows %(quality3)s and %(adj2)s thinking.
    """),
    _lines("""
    Funds may be used for %(use1)s, %(use2)s and other educational expenses.
    The money is paid directly to the school and applied to %(use1)s.
    The award can be applied toward %(use1)s and %(use2)s.
    Payment is made in two installments, one for each semester.
    Recipients may spend the award on %(use1)s, %(use2)s or %(use3)s.
    Checks are mailed to the financial aid office after proof of enrollment.
    It may be combined with other aid and covers %(use1)s.
    Unlike many programs, it also pays for %(use3)s.
    Money left after tuition may go to %(use2)s or %(use3)s.
    Reimbursement of %(use3)s requires original receipts.
    """),
    _lines("""
    Applicants submit the online form, an official transcript and proof of enrollment.
    A completed application includes transcripts and a résumé.
    Incomplete or late applications will not be considered.
    Applications are submitted online and must be received before the deadline.
    Recipients are notified in writing within eight weeks.
    Transcripts may be unofficial at first, but winners must supply sealed copies.
    Current recipients must apply again each year.
    Questions should be sent by email rather than by telephone.
    Materials sent by fax or courier are returned unopened.
    Home-schooled applicants supply a syllabus in place of a transcript.
    Only one application per household is accepted.
    Nominations close one week before the application itself.
    """),
    _lines("""
    %(donor)s was %(a_job)s who loved %(hobby1)s and helped many students in %(place)s.
    The %(last)s family wishes to share its gratitude with students from %(place)s.
    %(people)s of %(donor)s raised the endowment over several years.
    The donor worked for decades as %(a_job)s and believed in education.
    As the first in the family to attend college, %(first)s %(last)s valued %(quality4)s.
    %(first)s %(last)s grew up in %(place)s, became %(a_job)s and never stopped learning.
    Those who knew %(first)s remember a love of %(hobby1)s and of %(hobby2)s.
    The fund began when %(people_low)s collected donations in honor of a beloved %(job)s.
    Contributions from %(people_low)s and %(people2)s sustain the fund.
    Born in %(place)s in %(birth)s, the donor was %(a_job)s devoted to %(hobby1)s.
    A retired %(job)s left the estate for this purpose.
    Letters found in an attic in %(place)s inspired %(people_low)s to create the fund.
    """),
    _lines("""
    Recipients are expected to show %(quality4)s and to stay in good academic standing.
    More than %(big)s students have been supported since the program began.
    Winners are recognized at a spring reception in %(home)s.
    Former recipients now serve as mentors, volunteers and community leaders.
    Recipients join an alumni network and receive career advice.
    Scholars meet each summer in %(home)s for workshops and networking.
    A brief thank-you letter and a progress report are requested at the end of the year.
    Honorees may be featured in a newsletter and on social media.
    Recipients are paired with a mentor who shares an interest in %(hobby2)s.
    The names of all recipients are engraved on a plaque in %(place)s.
    Scholars give one public talk, often on %(essay2)s.
    Graduates of the program have settled as far away as %(place2)s.
    """),
    _lines("""
    %(adj2c)s involvement in school, work or community activities strengthens an application.
    Applicants active in %(cause1)s are encouraged to apply.
    Students who balance work, family and study are encouraged to apply.
    Experience with %(cause1)s or %(cause2)s is valued.
    Applicants should demonstrate %(quality4)s through activities outside school.
    The program welcomes %(audience)s and students from %(place2)s.
    Part-time students may apply if they carry at least six credits.
    Priority is given to %(audience)s.
    Employment, caregiving and %(cause2)s all count as involvement.
    Interests such as %(hobby1)s or %(hobby2)s may be described in the application.
    Members of clubs devoted to %(hobby2)s receive %(adj2)s consideration.
    """),
    _lines("""
    The program does not discriminate on the basis of race, religion, gender or disability.
    Employees of the sponsor and their relatives are not eligible.
    The sponsor may decline to make an award when no candidate qualifies.
    Award amounts may vary with the income of the endowment.
    Awards are subject to available funds and may be taxable.
    Deferral for military or religious service is possible on request.
    Winners who transfer to another school keep the award after written notice.
    Students on academic probation cannot receive payments.
    Previous winners are ineligible for a second prize.
    Recipients who leave school before midterm return the unused portion.
    Accommodations such as large print, captioning or braille are available.
    """),
)

CRITERIA: dict[str, tuple[str, ...]] = {
    "gpa": _lines("""
    A minimum grade point average of %(gpa)s on a 4.0 scale is required.
    Applicants must have a cumulative GPA of %(gpa)s or higher.
    Candidates need at least a %(gpa)s GPA.
    A transcript that shows a GPA of %(gpa)s or better must be included.
    Recipients maintain a %(gpa)s average while they hold the award.
    """),
    "states": _lines("""
    Applicants must be residents of %(states)s.
    Open to students who live in %(states)s.
    Legal residence in %(states)s for at least one year is required.
    Only residents of %(states)s may apply, wherever they study.
    High schools and colleges in %(states)s share the announcement with their students.
    """),
    "US": _lines("""
    Applicants must be citizens of the United States.
    United States citizenship is required.
    Only U.S. citizens are eligible.
    """),
    "permanent_resident": _lines("""
    Lawful permanent residents are eligible and must supply proof of status.
    Applicants must hold permanent resident status.
    """),
    "international": _lines("""
    Open to international students who hold or will obtain a student visa.
    The program serves international students from any country outside the United States.
    """),
    "country": _lines("""
    Applicants must be citizens of %(country)s.
    The program is limited to nationals of %(country)s.
    """),
    "fields": _lines("""
    Programs in %(fields)s are accepted.
    Students of %(fields)s are eligible.
    Related studies in %(fields)s are also considered.
    """),
    "need": _lines("""
    Applicants must demonstrate financial need.
    Financial need, as shown by the FAFSA, is required.
    A statement of household income is part of the application.
    """),
    "min_age": _lines("""
    Applicants must be at least %(min_age)s years old.
    The minimum age is %(min_age)s on the date of application.
    """),
    "max_age": _lines("""
    Applicants may not be older than %(max_age)s.
    """),
    "essay": _lines("""
    An essay about %(essay1)s is required.
    Applicants write an essay of %(essay_words)s words on %(essay1)s.
    A personal statement on %(essay1)s accompanies the application.
    The essay of at most %(essay_words)s words should address %(essay1)s or %(essay2)s.
    """),
    "letters": _lines("""
    %(letters)s from a teacher or employer must be submitted.
    %(letters)s from someone other than a relative must accompany the form.
    """),
    "renewable": _lines("""
    The award is renewable for up to three additional years.
    It may be renewed annually as long as the recipient remains in good standing.
    Renewal depends on satisfactory academic progress.
    """),
    "rolling": _lines("""
    Applications are accepted throughout the year on a rolling basis.
    There is no fixed deadline, and awards are made until funds run out.
    """),
    "amount": _lines("""
    The award is worth %(money)s.
    Each recipient receives %(money)s.
    The prize of %(money)s is paid once the term has started.
    """),
    "many": _lines("""
    Up to %(awards)s awards are made in each cycle.
    About %(awards)s students are chosen from all applicants.
    """),
}

NAMES_FIELD = _lines("""
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

NAMES_OPEN = _lines("""
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
    "athletic": _lines("""
    %(Sport)s %(Kind)s
    Coach %(first)s %(last)s %(Sport)s %(Kind)s
    %(place)s Scholar Athlete %(Kind)s
    %(first)s %(last)s Memorial %(Kind)s for %(Sport)s
    %(org)s %(Sport)s %(Kind)s
    """),
    "minority": _lines("""
    %(Kind)s for %(Community)s
    %(first)s %(last)s %(Kind)s for %(Community)s
    %(Theme)s %(Kind)s for %(Community)s
    %(org)s Diversity %(Kind)s
    """),
    "community_service": _lines("""
    %(Cause)s %(Kind)s
    %(first)s %(last)s Community Service %(Kind)s
    %(place)s Volunteer %(Kind)s
    %(last)s Family %(Kind)s for %(Cause)s
    """),
    "need_based": _lines("""
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
ORGANIZATIONS_STATE = _items("""
%(state)s Higher Education Commission, %(state)s Department of Education,
%(state)s Student Assistance Authority, %(state)s Board of Regents,
%(state)s Workforce Development Agency, %(state)s Department of Veterans Affairs
""")
FIRMS = _items("""Industries, Company, Insurance, Bank, Manufacturing, Energy, Foods, Technologies,
Holdings, Logistics, Law Group, Construction, Pharmaceuticals, Motors, Farms, Publishing, Airlines,
Steel, Laboratories, Shipping, Hotels, Textiles, Breweries, Instruments""")
