"""A large catalogue of equal awards, made by one statement."""

import psycopg

# Every fifth award has "engineering", another fifth "medical", each hundredth "nursing", each
# thousandth a name of its own; deadlines, amounts and states as skewed as real ones.
FILL = """
    INSERT INTO scholarships (
        id, name, organization, description, amount_max, currency, application_deadline,
        deadline_date, deadline_kind, scholarship_type, renewable, min_gpa, grade_levels,
        citizenship_required, residency_states, fields_of_study, status, created_at
    )
    SELECT 'plan_' || lpad(n::text, 7, '0'),
        CASE WHEN n %% 5 = 0 THEN 'Engineering ' WHEN n %% 100 = 1 THEN 'Nursing '
            WHEN n %% 5 = 2 THEN 'Medical ' ELSE '' END
            || 'Award ' || CASE WHEN n %% 1000 = 7 THEN 'quokka' || n ELSE 'fund' END,
        'Organization ' || n %% 997,
        CASE WHEN n %% 3 = 0 THEN 'For students of leadership.' ELSE 'For the community.' END,
        CASE WHEN n %% 10 < 8 THEN 250 * (1 + n %% 7) * (1 + (n %% 31) * (n %% 31) / 40) END, 'USD',
        CASE WHEN n %% 8 > 0 THEN timestamptz '2026-11-30 23:59:59Z'
            + (n * 7919 %% 540) * interval '1 day' END,
        CASE WHEN n %% 8 > 0 THEN date '2026-11-30' + n * 7919 %% 540 END,
        CASE WHEN n %% 8 > 0 THEN 'fixed' ELSE 'rolling' END,
        (ARRAY['merit_based', 'need_based', 'athletic', 'minority', 'academic_achievement',
            'community_service'])[1 + (n %% 21) / 4],
        n %% 4 = 0,
        CASE WHEN n %% 3 > 0 THEN 2 + (n %% 9) * 0.25 END,
        CASE WHEN n %% 2 = 0 THEN ARRAY['undergraduate'] WHEN n %% 11 = 0 THEN ARRAY['doctoral']
            ELSE '{}' END,
        CASE WHEN n %% 3 = 0 THEN 'US' WHEN n %% 50 = 1 THEN 'DE' END,
        CASE WHEN n %% 5 > 2 THEN ARRAY[
                (ARRAY['CA', 'CA', 'CA', 'NY', 'NY', 'TX', 'WY'])[1 + n %% 7]
            ] ELSE '{}' END,
        CASE WHEN n %% 5 = 0 THEN ARRAY['engineering'] WHEN n %% 100 = 1 THEN ARRAY['nursing']
            WHEN n %% 2 = 1 THEN ARRAY['business', 'law'] ELSE '{}' END,
        CASE WHEN n %% 20 = 3 THEN 'draft' ELSE 'published' END,
        now() - n * interval '1 minute'
    FROM generate_series(1, %s) AS n
"""


def fill(database_url: str, *, awards: int) -> None:
    """Insert the awards, and have PostgreSQL collect statistics on them."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Auditing the rows would take as long as inserting them.
        connection.execute("ALTER TABLE scholarships DISABLE TRIGGER scholarships_audit_insert")
        connection.execute(FILL, [awards])
        connection.execute("VACUUM ANALYZE scholarships")
        connection.execute("VACUUM ANALYZE search_words")
