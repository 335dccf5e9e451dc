"""Fields of study with their disciplines, professions and research topics."""

from scholarship_api.sample_data.words.splitting import items, split

# Field: name in a sentence, related fields, disciplines, professions, research topics.
FIELDS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]]
FIELDS = {
    "business": (
        "business",
        split("social_sciences mathematics law technology other"),
        items("""business administration, accounting, finance, marketing, management, economics
        and trade, supply chain management, entrepreneurship, real estate, human resources,
        actuarial science, insurance and risk management, international business, logistics,
        hospitality management, sports management, auditing, nonprofit management"""),
        items("""entrepreneurs, accountants, business leaders, bankers, managers, auditors,
        financial planners, actuaries, insurance brokers, marketers, logisticians, realtors"""),
        items("""small business growth, ethical leadership, microfinance, retail analytics,
        cooperative ownership, family enterprises, procurement, franchising, corporate governance,
        consumer behavior, bookkeeping, export markets, venture funding, taxation, wholesale trade,
        branding, freight brokerage, inventory forecasting, bankruptcy
        reform, philanthropy, receivables, pension funds, treasury operations"""),
    ),
    "engineering": (
        "engineering",
        split("technology science mathematics"),
        items("""civil engineering, mechanical engineering, electrical engineering, chemical
        engineering, aerospace engineering, biomedical engineering, environmental engineering,
        industrial engineering, structural engineering, materials engineering, petroleum
        engineering, transportation engineering, nuclear engineering, mining engineering,
        geotechnical engineering, marine engineering, acoustical engineering, ceramic engineering,
        manufacturing engineering, water resources engineering"""),
        items("""engineers, civil engineers, mechanical engineers, inventors, surveyors, electrical
        engineers, builders, naval architects, machinists, welding engineers, metallurgists"""),
        items("""renewable energy, bridge design, clean water, robotics, batteries, highway safety,
        earthquake resilience, wind turbines, semiconductors, combustion, stormwater, additive
        manufacturing, turbomachinery, concrete durability, prosthetic limbs, propulsion,
        tribology, cryogenics, photovoltaics, desalination, tunneling, vibration control,
        geothermal heat, hydraulics, levees, elevators, lubricants, boilers, mechatronics,
        refrigeration, dredging, composite laminates"""),
    ),
    "medicine": (
        "medicine and health",
        split("science nursing social_sciences"),
        items("""medicine, public health, pharmacy, dentistry, physical therapy, veterinary
        medicine, health administration, occupational therapy, family medicine, pediatrics,
        optometry, nutrition and dietetics, epidemiology, respiratory therapy, radiography, surgery,
        psychiatry, oncology, audiology, chiropractic studies, podiatry, medical laboratory
        science, osteopathic medicine"""),
        items("""physicians, pharmacists, dentists, doctors, physical therapists, veterinarians,
        health workers, surgeons, paramedics, optometrists, dietitians, radiographers,
        epidemiologists, podiatrists, audiologists"""),
        items("""rural health, cancer care, diabetes, mental health, vaccines, heart disease,
        addiction recovery, kidney disease, maternal care, dementia, asthma, gene therapy, stroke
        rehabilitation, cystic fibrosis, lupus, malaria, hemophilia, scoliosis, orthodontics,
        glaucoma, sepsis, telemedicine, palliative care, antibiotics, migraine, sarcoidosis,
        tinnitus, prosthodontics, toxicology, melanoma, endometriosis, hepatitis"""),
    ),
    "education": (
        "education",
        split("social_sciences arts mathematics other"),
        items("""education, elementary education, special education, secondary education, early
        childhood education, teaching, educational leadership, bilingual education, counselor
        education, literacy studies, physical education, library science, curriculum design, music
        education, agricultural education, adult education"""),
        items("""teachers, educators, school counselors, librarians, coaches, principals, tutors,
        reading specialists, music teachers, speech pathologists, preschool teachers"""),
        items("""reading, classroom technology, rural schools, early literacy, dyslexia, outdoor
        learning, school leadership, language immersion, autism support, mentoring, phonics,
        inclusive classrooms, numeracy, storytelling, Montessori methods, braille, kindergarten
        readiness, assessment, homeschooling, truancy prevention, sign language, museum education,
        pedagogy, handwriting"""),
    ),
    "technology": (
        "computing and technology",
        split("engineering mathematics science business"),
        items("""computer science, information technology, cybersecurity, data science, software
        engineering, information systems, artificial intelligence, web development, game design,
        computer networking, cloud computing, bioinformatics, human-computer interaction, digital
        forensics, geographic information systems, database administration, telecommunications"""),
        items("""programmers, software developers, technologists, data scientists, security
        analysts, network technicians, game developers, system administrators, web designers"""),
        items("""machine learning, open source software, accessibility, privacy, online safety,
        cryptography, robotics software, digital inclusion, compilers, virtual reality, drones,
        computer vision, distributed systems, malware analysis, quantum computing, speech
        recognition, blockchain, embedded firmware, wearable sensors, procedural graphics,
        spreadsheets, search engines, chatbots, recommender systems, typography on screens,
        satellite broadband, fuzz testing, esports platforms"""),
    ),
    "science": (
        "the natural sciences",
        split("mathematics engineering medicine technology"),
        items("""biology, chemistry, environmental science, physics, geology, marine biology,
        biochemistry, ecology, astronomy, microbiology, genetics, botany, zoology, meteorology,
        oceanography, neuroscience, forensic science, wildlife conservation, entomology, materials
        science, paleontology, soil science, mycology, ornithology, limnology, crystallography"""),
        items("""scientists, biologists, chemists, researchers, physicists, geologists, ecologists,
        astronomers, naturalists, meteorologists, botanists, entomologists, paleontologists"""),
        items("""climate change, water quality, wetlands, conservation, pollinators, coral reefs,
        endangered species, renewable fuels, wildfire, fisheries, particle physics, glaciers,
        proteins, invasive plants, exoplanets, groundwater, volcanoes, migratory birds, lichens,
        photosynthesis, tidal marshes, meteorites, salamanders, seagrass, spectroscopy, fossils,
        bats, mangroves, permafrost, plankton, seismology, enzymes, orchids, sturgeon, moths,
        caves, nematodes, estuaries, kelp forests, isotopes"""),
    ),
    "nursing": (
        "nursing",
        (),
        items("""nursing, registered nursing, practical nursing, pediatric nursing, community
        health nursing, geriatric nursing, critical care nursing, oncology nursing, psychiatric
        nursing, nurse anesthesia, perioperative nursing, school nursing, neonatal nursing, hospice
        nursing, military nursing"""),
        items("""nurses, registered nurses, nurse practitioners, nurse educators, nurse leaders,
        school nurses, nurse midwives, emergency nurses, hospice nurses"""),
        items("""bedside care, patient safety, rural clinics, elder care, infection control, wound
        care, night shift staffing, intensive care, home visits, infant health, dialysis, trauma
        response, compassionate care, pain management, lactation support, triage, immunization
        outreach, burn units"""),
    ),
    "arts": (
        "the arts",
        split("education social_sciences technology other"),
        items("""music, visual arts, graphic design, theater, art history, dance, creative writing,
        film production, photography, architecture, fashion design, interior design, vocal
        performance, animation, sculpture, ceramics, choral music, journalism and design, jazz
        studies, printmaking, illustration, opera, landscape architecture, jewelry making, weaving,
        organ performance"""),
        items("""artists, musicians, writers, designers, architects, dancers, photographers, poets,
        filmmakers, actors, composers, sculptors, playwrights, illustrators, organists, weavers,
        potters, violinists, cartoonists"""),
        items("""public murals, chamber music, poetry, folk traditions, documentary film, stage
        lighting, watercolor, community theater, songwriting, marching band, ballet, bluegrass, oil
        painting, puppetry, typography, quilting, screenwriting, mosaics, calligraphy, woodcarving,
        costume design, stained glass, mariachi, violin making, bookbinding, tapestry, choreography,
        percussion, harpsichord, lacework, gospel choirs, glassblowing, piano pedagogy"""),
    ),
    "social_sciences": (
        "the social sciences",
        split("education law arts business"),
        items("""psychology, social work, political science, history, sociology, criminal justice,
        communications, economics, international relations, anthropology, public policy, geography,
        journalism, linguistics, archaeology, gender studies, philosophy, counseling, urban
        planning, Indigenous studies, demography, gerontology, classics, genealogy"""),
        items("""social workers, counselors, historians, psychologists, journalists, public
        servants, diplomats, sociologists, economists, archaeologists, linguists, geographers,
        archivists"""),
        items("""housing policy, foster care, local government, civil rights, immigration, voting,
        oral history, juvenile justice, refugees, family therapy, labor history, peace studies,
        tribal sovereignty, food deserts, aging, folklore, endangered languages, rural poverty,
        homelessness, census data, treaty rights, adoption, diasporas, museum collections,
        propaganda, suffrage, urban renewal, kinship, pottery shards, cartography, medieval guilds,
        hieroglyphs"""),
    ),
    "law": (
        "law",
        split("social_sciences business education"),
        items("""law, paralegal studies, constitutional law, environmental law, immigration law,
        family law, intellectual property law, labor law, legal studies, health law, tax law,
        maritime law, civil rights law, tribal law, elder law"""),
        items("""attorneys, lawyers, paralegals, public defenders, judges, legal advocates,
        prosecutors, court reporters, mediators, bailiffs"""),
        items("""access to justice, legal aid, public defense, human rights, tenant protection,
        water rights, mediation, voting rights, patents, labor standards, restorative justice,
        antitrust, disability rights, guardianship, appellate advocacy, jury selection, extradition,
        copyright, probate, asylum, eminent domain, zoning, admiralty claims"""),
    ),
    "mathematics": (
        "mathematics",
        split("science technology engineering"),
        items("""mathematics, statistics, applied mathematics, mathematics education, data
        analysis, biostatistics, operations research, pure mathematics, computational mathematics,
        mathematical physics, number theory, topology"""),
        items("""mathematicians, statisticians, analysts, mathematics teachers, quantitative
        researchers, geometers, biostatisticians"""),
        items("""probability, geometry, algebra, modeling, forecasting, game theory, optimization,
        graph theory, combinatorics, differential equations, survey sampling, knot theory, fractals,
        prime numbers, numerical methods, tessellations, logic puzzles, Bayesian inference,
        manifolds, queueing, sudoku, abacus arithmetic"""),
    ),
    "other": (
        "vocational and other studies",
        (),
        items("""agriculture, culinary arts, skilled trades, aviation, welding, automotive
        technology, hospitality, horticulture, forestry, cosmetology, construction, fire science,
        animal science, electrical trades, plumbing, baking and pastry, heavy equipment operation,
        carpentry, maritime studies, theology, military science, floral design, viticulture,
        apiculture, funeral service, equine studies, gunsmithing, turf management, truck driving,
        shipbuilding, brewing, farriery"""),
        items("""farmers, chefs, pilots, welders, electricians, firefighters, carpenters,
        mechanics, plumbers, foresters, bakers, ranchers, barbers, stonemasons, florists, truckers,
        ministers, beekeepers, vintners, morticians, farriers, millwrights, lineworkers,
        arborists"""),
        items("""family farms, apprenticeships, sustainable agriculture, food service, hand tools,
        livestock, flight safety, greenhouse growing, hydroponics, timber framing, dairy herds,
        soil health, sheet metal, diesel engines, cattle, heirloom seeds, masonry, pastry,
        beekeeping, cranberry bogs, roofing, orchards, irrigation, sheep shearing, upholstery, maple
        syrup, trout hatcheries, blacksmithing, cheese, saddlery, pecans, air traffic control,
        lobster boats, elevator repair, alpacas, mushrooms"""),
    ),
}

FIELD_ORDER = tuple(FIELDS)
