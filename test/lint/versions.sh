#!/bin/sh
# Differences between PostgreSQL's versions stay in src/bridge.
cd "$(dirname "$0")/../.." || exit 1
! grep -rnwE 'PG_VERSION_NUM|PG_MAJORVERSION_NUM|PG_VERSION|PG_MAJORVERSION' --include='*.[ch]pp' src | grep -v '^src/bridge/'
