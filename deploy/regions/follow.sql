-- Follow another region's killmails (docs/regions.md). Run it once for each region that is followed, as a superuser.
-- To run it again, after an upgrade say, is safe:
--   FOLLOW="host=… dbname=killreport user=killreport_follower password=…" \
--     bash deploy/psql.sh -X -v region=east -f deploy/regions/follow.sql
\set ON_ERROR_STOP on
\getenv follow FOLLOW
SELECT current_setting('server_version_num')::int >= 160000 AS can_follow \gset
\if :can_follow
\else
    \warn 'Postgres 16 or later is needed, here and there: before, a region would get back what it sent.'
    SELECT 1 / 0;
\endif
BEGIN;
-- What is here already stays as it is: without this, a killmail that both regions have would stop the copy.
CREATE OR REPLACE FUNCTION public.leave_what_is_here() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_here boolean;
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'killmails' THEN
            SELECT count(*) > 0 INTO is_here FROM public.killmails WHERE killmail_id = NEW.killmail_id;
            NEW.created_at := now();  -- the watchdog gives what is new here its place in the order of arrival
        WHEN 'killmail_bodies' THEN
            SELECT count(*) > 0 INTO is_here FROM public.killmail_bodies WHERE killmail_id = NEW.killmail_id;
        WHEN 'participants' THEN
            SELECT count(*) > 0 INTO is_here FROM public.participants
             WHERE killmail_id = NEW.killmail_id AND ordinal = NEW.ordinal;
        WHEN 'entities' THEN
            SELECT count(*) > 0 INTO is_here FROM public.entities WHERE entity_id = NEW.entity_id;
    END CASE;
    RETURN CASE WHEN is_here THEN NULL ELSE NEW END;
END
$$;
-- Facts do not change. What does is the appraisal: each region makes its own, which its sums of statistics follow.
CREATE OR REPLACE FUNCTION public.keep_what_is_here() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER keep_what_is_here BEFORE UPDATE ON public.killmails FOR EACH ROW
    EXECUTE FUNCTION public.keep_what_is_here();
ALTER TABLE public.killmails ENABLE REPLICA TRIGGER keep_what_is_here;
-- REPLICA: for what comes from another region, and never for what is written here.
SELECT format('CREATE OR REPLACE TRIGGER leave_what_is_here BEFORE INSERT ON public.%1$I FOR EACH ROW'
              ' EXECUTE FUNCTION public.leave_what_is_here()', name),
       format('ALTER TABLE public.%I ENABLE REPLICA TRIGGER leave_what_is_here', name)
  FROM unnest(ARRAY['killmails', 'killmail_bodies', 'participants', 'entities']) AS followed (name)
\gexec
COMMIT;
-- origin: what this region has from others is not sent back to them.
SELECT count(*) = 0 AS is_new
  FROM pg_subscription JOIN pg_database ON pg_database.oid = subdbid
 WHERE subname = :'region' AND datname = current_database() \gset
\if :is_new
-- Several regions may follow the same one: each has a place there by a name that no other has.
SELECT format('killreport_%s_%s', system_identifier, pg_database.oid) AS slot
  FROM pg_control_system(), pg_database WHERE datname = current_database() \gset
CREATE SUBSCRIPTION :"region" CONNECTION :'follow' PUBLICATION killreport
    WITH (origin = none, slot_name = :'slot');
\endif
