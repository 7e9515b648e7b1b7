-- Questions in plain language.
SELECT extname FROM pg_catalog.pg_extension WHERE extname = 'pg_tenancy';
