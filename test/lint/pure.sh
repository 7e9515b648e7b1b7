#!/bin/sh
# Pure files are compiled without the server's include path, and so cannot reach it, but with its guards against overruns.
cd "$(dirname "$0")/../.." || exit 1
pg_config=${PG_CONFIG:-pg_config}
server=$("$pg_config" --includedir-server) || exit 1
objects=$(find src/core src/remote -name '*.cpp' | sort && find src -name '*.pure.cpp' | sort)
[ -n "$objects" ] || exit 1
# shellcheck disable=SC2086,SC2046  # names without blanks
commands=$(make -n -B --no-print-directory PG_CONFIG="$pg_config" $(echo "$objects" | sed 's/\.cpp$/.o/')) || exit 1
if "$pg_config" --cppflags | grep -q FORTIFY_SOURCE && echo "$commands" | grep -e " -c " | grep -v FORTIFY_SOURCE; then
	exit 1
fi
! echo "$commands" | grep -F -e "$server"
