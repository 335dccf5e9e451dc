"""Words that fill the slots of sentences, from common to rare."""

from scholarship_api.sample_data.words.splitting import items, split

SPORTS = items("""basketball, soccer, football, softball, baseball, track and field, volleyball,
swimming, tennis, golf, wrestling, cross country, lacrosse, ice hockey, rowing, gymnastics, bowling,
field hockey, archery, fencing, rodeo, water polo, sailing, skiing, cheerleading, rugby, cycling,
badminton, equestrian sport, surfing, diving, curling, disc golf, triathlon, biathlon, squash""")

COMMUNITIES = items("""Hispanic students, Black students, Native American students, Latina women,
Asian American students, underrepresented students, African American students, tribal members,
Pacific Islander students, Alaska Native students, Native Hawaiian students, Hmong students,
refugees and asylees, Armenian American students, Chicano students, Filipino American students,
Korean American students, Arab American students, Haitian American students, Somali students,
Cape Verdean students, Polish American students, Portuguese American students, Roma students""")

AUDIENCES = items("""women, first-generation students, community college students, transfer
students, veterans, rural students, adult learners, single parents, military families, students with
disabilities, foster youth, working students, returning students, new Americans, young leaders,
farm families, union members, eagle scouts, children of firefighters, left-handed students, twins,
cancer survivors, deaf students, amputees, grandparents, tall students, homeschooled students,
orphans, caddies, dreamers, members of marching bands, children of miners, students with epilepsy,
descendants of immigrants, survivors of domestic violence, blind students, students with hemophilia,
employees and dependents, peace corps volunteers, bagpipers, duck callers""")

CAUSES = items("""community service, youth mentoring, hunger relief, environmental stewardship,
volunteer work, literacy, animal welfare, affordable housing, disaster relief, civic engagement,
veterans' causes, neighborhood safety, suicide prevention, blood donation, elder companionship,
recycling, refugee resettlement, peer tutoring, park restoration, food banks, disability advocacy,
anti-bullying work, river cleanups, search and rescue, trail building, hospice visits, tree
planting, interfaith dialogue, meal delivery, oral history projects, wildlife rescue, community
gardens, crisis hotlines, clothing drives, toy collections, lifeguarding, historic preservation,
gleaning""")

THEMES = items("""Leadership, Community, Opportunity, Future Leaders, Academic Excellence, Merit,
First Generation, Service, Presidential, Achievement, Pathways, Promise, Horizons, Bright Futures,
Alumni, Trustees, Perseverance, Legacy, Hometown, Centennial, Founders, Chancellor's, Dream,
Courage, Golden, Innovation, Rising Star, Pioneer, Citizenship, Character, Stewardship, Discovery,
Compass, Beacon, Lantern, Keystone, Evergreen, Cornerstone, Heritage, Bridge, Torchbearer, Odyssey,
Phoenix, Summit, Lighthouse, Wayfinder, Sunrise, Mosaic, Catalyst, Trailblazer, Aurora, Meridian""")

QUALITIES = items("""leadership, academic achievement, character, service, determination,
integrity, initiative, perseverance, curiosity, creativity, resilience, citizenship, teamwork,
dedication, compassion, maturity, originality, generosity, responsibility, work ethic, humility,
courage, good humor, thrift, kindness, discipline, optimism, empathy, honesty, patience, enthusiasm,
diligence, sportsmanship, scholarship, imagination, tenacity, resourcefulness, self-reliance,
punctuality, gratitude, persistence, loyalty, ingenuity, eloquence, tact, fairness, craftsmanship,
candor, stewardship, fortitude, neighborliness, open-mindedness, perspicacity, gumption""")

ADJECTIVES = split("""strong outstanding accomplished promising talented local deserving motivated
dedicated exceptional committed ambitious hardworking young bright civic emerging gifted active
proven persistent practical creative capable thoughtful serious curious modest energetic
enterprising resilient inventive scholarly diligent courageous versatile articulate steadfast
resourceful compassionate unassuming tireless spirited meticulous visionary earnest plucky
unconventional intrepid conscientious quiet generous industrious perceptive daring principled
disciplined""")

JOBS = items("""teacher, engineer, physician, business owner, nurse, farmer, veteran, attorney,
professor, banker, coach, librarian, machinist, pharmacist, minister, electrician, accountant,
carpenter, firefighter, school principal, postal worker, rancher, police officer, journalist,
chemist, seamstress, pilot, musician, bus driver, dairy farmer, welder, dentist, judge, architect,
grocer, baker, railroad conductor, printer, steelworker, social worker, surveyor, telephone
operator, fisherman, tailor, mail carrier, baseball umpire, textile worker, coal miner, stonemason,
florist, riverboat captain, cartographer, piano tuner, lighthouse keeper, watchmaker, cobbler,
locksmith, beekeeper, logger, typesetter, glazier, midwife, weaver, blacksmith, taxidermist,
puppeteer, milliner, cooper, clockmaker, harness maker, switchboard operator, botanist,
cryptographer, wheelwright""")

HOBBIES = items("""reading, music, gardening, sports, travel, volunteering, cooking, fishing,
hiking, chess, photography, painting, camping, woodworking, bird watching, baking, sailing, amateur
radio, quilting, storytelling, astronomy, dancing, jazz records, model trains, stamp collecting,
knitting, crossword puzzles, ham radio, canoeing, poetry, history books, rock climbing, square
dancing, pottery, antique cars, old maps, bridge tournaments, juggling, origami, falconry,
geocaching, coin collecting, barbershop singing, kite flying, fly tying, snowshoeing, banjo tunes,
sourdough, bonsai, croquet, spelunking, needlepoint, accordion music, roller skating, beachcombing,
ventriloquism, marquetry, sundials, tide pools, horseshoes, whittling, yodeling, orienteering,
topiary, foraging""")

USES = items("""tuition, books, fees, housing, supplies, travel, equipment, laboratory fees,
childcare, a laptop computer, room and board, transportation, certification exams, research
expenses, tools, uniforms, conference travel, meals, application fees, instrument repair, field
work, licensing exams, summer courses, study abroad, internet service, software, health insurance,
parking, art materials, printing, safety boots, studio time, flight hours, tutoring, archive visits,
specimen collection, relocation, eyeglasses, graduation regalia, microscopes""")

PEOPLE = items("""family members, friends, alumni, colleagues, former students, neighbors,
employees, local donors, classmates, volunteers, members, community leaders, business partners,
faculty, retired teachers, parishioners, grandchildren, shipmates, patients, customers, teammates,
club members, bandmates, fellow veterans, coworkers, union brothers and sisters, trustees, cousins,
choir members, godchildren, apprentices, fellow ranchers, hunting companions, tenants, pen pals""")

ESSAY_TOPICS = items("""career goals, leadership, community service, a personal challenge, future
plans, financial need, an influential mentor, overcoming adversity, educational goals, the value of
education, family, a problem worth solving, ethics, diversity, a failure and its lessons, the
meaning of service, a favorite book, civic duty, first jobs, immigration, hometown history,
sustainability, gratitude, technology and society, freedom of speech, grief, a turning point, work
and dignity, teamwork, courage, an unpopular opinion, a family recipe, silence, a broken object,
forgiveness, the night sky, a long walk, maps, democracy, music and memory, an heirloom,
patience""")

REVIEWERS = items("""volunteer committee, selection committee, scholarship committee, faculty
panel, board of directors, independent panel, panel of judges, alumni committee, group of former
recipients, board of trustees, jury of practitioners, financial aid office, team of employees,
regional chapter, admissions staff, council of elders, retired judges' panel, dean's advisory group,
guild council""")
