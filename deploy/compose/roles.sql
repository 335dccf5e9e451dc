-- Runs once, when the database is made. `scholarship_owner` migrates and owns all there is;
-- `scholarship_api` serves: it may read and write rows, and may not change the schema.
\set owner_password `cat /run/secrets/database_owner_password`
\set api_password `cat /run/secrets/database_api_password`

CREATE ROLE scholarship_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE scholarship_api LOGIN PASSWORD :'api_password';

ALTER DATABASE scholarships OWNER TO scholarship_owner;
REVOKE ALL ON DATABASE scholarships FROM PUBLIC;
-- An import gathers its rows in a temporary table.
GRANT CONNECT, TEMPORARY ON DATABASE scholarships TO scholarship_api;

-- MAINTAIN: an import ends with ANALYZE.
ALTER DEFAULT PRIVILEGES FOR ROLE scholarship_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON TABLES TO scholarship_api;
ALTER DEFAULT PRIVILEGES FOR ROLE scholarship_owner IN SCHEMA public
    GRANT USAGE ON SEQUENCES TO scholarship_api;
