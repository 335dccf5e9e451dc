"""Templates of the sentences of a description, from common to rare.

A template never puts an article directly before a slot whose first letter varies, so that the text
has no mistakes such as "a engineer".
"""

from scholarship_api.sample_data.words.splitting import lines

OPENINGS = lines("""
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

PURPOSE_FIELD = lines("""
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

PURPOSE_OPEN = lines("""
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
    "need_based": lines("""
    Demonstrated financial need is the most important factor.
    The fund assists students from low-income households who could not otherwise enroll.
    Applicants submit the FAFSA or an equivalent statement of household income.
    It closes the gap between other financial aid and the true cost of attendance.
    Pell Grant recipients and students with unmet need are encouraged to apply.
    """),
    "athletic": lines("""
    Candidates must have competed in %(sport)s at the varsity or club level.
    The award honors the student athlete who excels in %(sport)s and in the classroom.
    Participation in %(sport)s for at least two seasons is expected.
    Coaches nominate athletes whose conduct in %(sport)s sets an example for teammates.
    """),
    "minority": lines("""
    The program is designed for %(community)s and promotes representation in higher education.
    It expands access for %(community)s through funding and a network of mentors.
    Applicants identify as members of communities that the program serves, among them %(community)s.
    """),
    "community_service": lines("""
    Applicants document at least fifty hours of service, for example in %(cause1)s.
    It honors students whose volunteering in %(cause1)s improved the lives of others.
    A record of involvement in %(cause1)s or %(cause2)s is expected.
    Service to others, such as %(cause1)s, carries the greatest weight.
    """),
    "academic_achievement": lines("""
    Grades, class rank and the difficulty of coursework are the main factors.
    It is reserved for students with distinguished academic records.
    Honors courses, published work and academic competitions strengthen the application.
    """),
    "merit_based": lines("""
    Selection is based on merit, including grades, activities and %(quality2)s.
    The award recognizes accomplishment in school, at work and in public life.
    Merit is judged on the whole record rather than on one test.
    """),
}

# Roles of the remaining sentences; a description takes at most one of each.
ROLES: tuple[tuple[str, ...], ...] = (
    lines("""
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
    lines("""
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
    lines("""
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
    lines("""
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
    lines("""
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
    lines("""
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
    lines("""
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
    "gpa": lines("""
    A minimum grade point average of %(gpa)s on a 4.0 scale is required.
    Applicants must have a cumulative GPA of %(gpa)s or higher.
    Candidates need at least a %(gpa)s GPA.
    A transcript that shows a GPA of %(gpa)s or better must be included.
    Recipients maintain a %(gpa)s average while they hold the award.
    """),
    "states": lines("""
    Applicants must be residents of %(states)s.
    Open to students who live in %(states)s.
    Legal residence in %(states)s for at least one year is required.
    Only residents of %(states)s may apply, wherever they study.
    High schools and colleges in %(states)s share the announcement with their students.
    """),
    "US": lines("""
    Applicants must be citizens of the United States.
    United States citizenship is required.
    Only U.S. citizens are eligible.
    """),
    "permanent_resident": lines("""
    Lawful permanent residents are eligible and must supply proof of status.
    Applicants must hold permanent resident status.
    """),
    "international": lines("""
    Open to international students who hold or will obtain a student visa.
    The program serves international students from any country outside the United States.
    """),
    "country": lines("""
    Applicants must be citizens of %(country)s.
    The program is limited to nationals of %(country)s.
    """),
    "fields": lines("""
    Programs in %(fields)s are accepted.
    Students of %(fields)s are eligible.
    Related studies in %(fields)s are also considered.
    """),
    "need": lines("""
    Applicants must demonstrate financial need.
    Financial need, as shown by the FAFSA, is required.
    A statement of household income is part of the application.
    """),
    "min_age": lines("""
    Applicants must be at least %(min_age)s years old.
    The minimum age is %(min_age)s on the date of application.
    """),
    "max_age": lines("""
    Applicants may not be older than %(max_age)s.
    """),
    "essay": lines("""
    An essay about %(essay1)s is required.
    Applicants write an essay of %(essay_words)s words on %(essay1)s.
    A personal statement on %(essay1)s accompanies the application.
    The essay of at most %(essay_words)s words should address %(essay1)s or %(essay2)s.
    """),
    "letters": lines("""
    %(letters)s from a teacher or employer must be submitted.
    %(letters)s from someone other than a relative must accompany the form.
    """),
    "renewable": lines("""
    The award is renewable for up to three additional years.
    It may be renewed annually as long as the recipient remains in good standing.
    Renewal depends on satisfactory academic progress.
    """),
    "rolling": lines("""
    Applications are accepted throughout the year on a rolling basis.
    There is no fixed deadline, and awards are made until funds run out.
    """),
    "amount": lines("""
    The award is worth %(money)s.
    Each recipient receives %(money)s.
    The prize of %(money)s is paid once the term has started.
    """),
    "many": lines("""
    Up to %(awards)s awards are made in each cycle.
    About %(awards)s students are chosen from all applicants.
    """),
}
