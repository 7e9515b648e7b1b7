"""Functions, operators and tables that a tenant puts in the way of names that our own SQL uses: each raises when it runs."""

TRAPS = """
CREATE FUNCTION trap(anyelement, anyelement) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap as %', current_user; END$$;
CREATE FUNCTION text_trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap as %', current_user; END$$;
CREATE FUNCTION uuid_trap(uuid, uuid) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap as %', current_user; END$$;
CREATE FUNCTION bytea_trap(bytea, bytea) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap as %', current_user; END$$;
CREATE FUNCTION time_trap(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap as %', current_user; END$$;
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, PROCEDURE = text_trap);
CREATE OPERATOR ~ (LEFTARG = text, RIGHTARG = text, PROCEDURE = text_trap);
CREATE OPERATOR <> (LEFTARG = text, RIGHTARG = text, PROCEDURE = text_trap);
CREATE OPERATOR = (LEFTARG = uuid, RIGHTARG = uuid, PROCEDURE = uuid_trap);
CREATE OPERATOR <> (LEFTARG = uuid, RIGHTARG = uuid, PROCEDURE = uuid_trap);
CREATE OPERATOR = (LEFTARG = bytea, RIGHTARG = bytea, PROCEDURE = bytea_trap);
CREATE OPERATOR > (LEFTARG = timestamptz, RIGHTARG = timestamptz, PROCEDURE = time_trap);
CREATE FUNCTION now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap as %', current_user; END$$;
CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap as %', current_user; END$$;
CREATE FUNCTION lower(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap as %', current_user; END$$;
CREATE FUNCTION gen_random_uuid() RETURNS uuid LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap as %', current_user; END$$;
CREATE FUNCTION to_jsonb(anyelement) RETURNS jsonb LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trap as %', current_user; END$$;
CREATE TABLE users (id uuid);
CREATE TABLE user_sessions (id uuid);
CREATE TABLE database_connections (id uuid);
"""
