-- Follow another region's killmails (docs/regions.md). Run it once for each region that is followed, as a superuser:
--   FOLLOW="host=… dbname=killreport user=killreport_follower password=…" \
--     psql -X -v region=east -f deploy/regions/follow.sql "$DATABASE_URL"
\set ON_ERROR_STOP on
\getenv follow FOLLOW
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
-- REPLICA: for what comes from another region, and never for what is written here.
SELECT format('CREATE OR REPLACE TRIGGER leave_what_is_here BEFORE INSERT ON public.%1$I FOR EACH ROW'
              ' EXECUTE FUNCTION public.leave_what_is_here()', name),
       format('ALTER TABLE public.%I ENABLE REPLICA TRIGGER leave_what_is_here', name)
  FROM unnest(ARRAY['killmails', 'killmail_bodies', 'participants', 'entities']) AS followed (name)
\gexec
COMMIT;
-- origin: what this region has from others is not sent back to them.
CREATE SUBSCRIPTION :"region" CONNECTION :'follow' PUBLICATION killreport WITH (origin = none);
