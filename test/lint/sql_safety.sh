#!/bin/sh
# What the install script may say: it makes objects and never adopts somebody else's, its definer functions
# have a fixed search_path, its privileges are all in one file, and everything a user sees is described.
cd "$(dirname "$0")/../.." || exit 1
awk -f test/lint/statements.awk sql/[0-9]*.sql | awk -F'\t' '
function complain(what) { print $1 ":" $2 ": " what; found = 1 }
function object_name() {
	name = substr(text, RLENGTH + 1)
	sub(/[ (;].*/, "", name)
	return name
}
{
	text = $3
	upper = toupper(text)
	if (upper ~ /^CREATE OR REPLACE/) complain("CREATE OR REPLACE could adopt an object of somebody else")
	if (upper ~ /^(CREATE|ALTER) [A-Z ]*IF NOT EXISTS/ || upper ~ /ADD COLUMN IF NOT EXISTS/)
		complain("IF NOT EXISTS could adopt an object of somebody else")
	if (upper ~ /^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) / && $1 != "sql/90-privilege.sql")
		complain("privileges belong in sql/90-privilege.sql")
	if (upper ~ /^CREATE (FUNCTION|PROCEDURE)/) {
		head = upper
		sub(/ AS (\$|\047).*/, "", head)
		if (upper ~ /SECURITY DEFINER/ && upper !~ /SET SEARCH_PATH (=|TO) PG_CATALOG, PG_TEMP/)
			complain("SECURITY DEFINER without SET search_path = pg_catalog, pg_temp")
	}
	if (match(upper, /^CREATE (UNLOGGED |CONSTRAINT |MATERIALIZED )?(FUNCTION|PROCEDURE|TABLE|VIEW|TYPE|AGGREGATE|DOMAIN|SEQUENCE) /)) {
		kind = substr(upper, 1, RLENGTH - 1)
		name = object_name()
		sub(/.* /, "", kind)
		if (name !~ /^tenancy\./) complain(name " is not qualified with tenancy.")
		if (kind != "SEQUENCE" && kind != "DOMAIN") {
			made[kind " " name]++
			where[kind " " name] = $1 ":" $2
		}
	}
	if (match(upper, /^COMMENT ON (MATERIALIZED )?(FUNCTION|PROCEDURE|TABLE|VIEW|TYPE|AGGREGATE) /)) {
		kind = substr(upper, 1, RLENGTH - 1)
		name = object_name()
		sub(/.* /, "", kind)
		described[kind " " name]++
	}
}
END {
	for (object in made)
		if (described[object] < made[object]) {
			print where[object] ": no COMMENT ON " object (made[object] > 1 ? " for each of its signatures" : "")
			found = 1
		}
	exit found
}'
