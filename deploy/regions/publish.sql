-- Let other regions follow this region's killmails (docs/regions.md). Run it as a superuser, and once more after a restore:
-- a backup has no rights. To run it again is safe.
--   FOLLOWER_PASSWORD=… bash deploy/psql.sh -X -f deploy/regions/publish.sql
\set ON_ERROR_STOP on
\getenv password FOLLOWER_PASSWORD
SELECT current_setting('wal_level') = 'logical' AS can_publish \gset
\if :can_publish
\else
    \warn 'Start Postgres with wal_level=logical first.'
    SELECT 1 / 0;
\endif
SELECT current_setting('server_version_num')::int >= 160000 AS can_publish \gset
\if :can_publish
\else
    \warn 'Postgres 16 or later is needed, here and there: before, a region would get back what it sent.'
    SELECT 1 / 0;
\endif
BEGIN;
SELECT count(*) = 0 AS is_new FROM pg_roles WHERE rolname = 'killreport_follower' \gset
\if :is_new
CREATE ROLE killreport_follower;
\endif
ALTER ROLE killreport_follower LOGIN REPLICATION PASSWORD :'password';
-- It may read killmails and names, and nothing of a pilot's.
GRANT USAGE ON SCHEMA public TO killreport_follower;
GRANT SELECT ON killmails, killmail_bodies, participants, entities TO killreport_follower;
-- Nothing that was published is taken back: a killmail is a fact.
SELECT count(*) = 0 AS is_new FROM pg_publication WHERE pubname = 'killreport' \gset
\if :is_new
CREATE PUBLICATION killreport FOR TABLE killmails, killmail_bodies, participants, entities
    WITH (publish = 'insert, update');
\endif
COMMIT;
