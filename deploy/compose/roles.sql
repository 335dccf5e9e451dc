-- Makes the two roles, once, in the database that psql is connected to, as a superuser.
-- `scholarship_owner` migrates and owns everything; `scholarship_api` serves: it may read and write
-- rows, and may not change the schema.
--
-- The passwords come from DATABASE_OWNER_PASSWORD and DATABASE_API_PASSWORD of the environment, else
-- from the files that docker-compose.yml mounts. Without them nothing is made.
\set ON_ERROR_STOP on
\getenv owner_password DATABASE_OWNER_PASSWORD
\getenv api_password DATABASE_API_PASSWORD
\if :{?owner_password}
\else
\set owner_password `cat /run/secrets/database_owner_password 2> /dev/null`
\endif
\if :{?api_password}
\else
\set api_password `cat /run/secrets/database_api_password 2> /dev/null`
\endif

SELECT :'owner_password' = '' OR :'api_password' = '' AS is_missing \gset
\if :is_missing
DO $$ BEGIN
    RAISE EXCEPTION 'a password is missing'
        USING HINT = 'Set DATABASE_OWNER_PASSWORD and DATABASE_API_PASSWORD for psql.';
END $$;
\endif

CREATE ROLE scholarship_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE scholarship_api LOGIN PASSWORD :'api_password';

ALTER DATABASE :"DBNAME" OWNER TO scholarship_owner;
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
-- An import gathers its rows in a temporary table.
GRANT CONNECT, TEMPORARY ON DATABASE :"DBNAME" TO scholarship_api;

-- MAINTAIN, because an import ends with ANALYZE.
ALTER DEFAULT PRIVILEGES FOR ROLE scholarship_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON TABLES TO scholarship_api;
ALTER DEFAULT PRIVILEGES FOR ROLE scholarship_owner IN SCHEMA public
    GRANT USAGE ON SEQUENCES TO scholarship_api;
