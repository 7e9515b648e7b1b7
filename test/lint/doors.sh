#!/bin/sh
# postgres.h has one door: src/bridge/pg.hpp.
cd "$(dirname "$0")/../.." || exit 1
! grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"](server/)?(postgres|c|postgres_ext|postgres_fe)\.h[>"]' \
	--include='*.[ch]pp' --include='*.[ch]' src test | grep -v '^src/bridge/pg\.hpp:'
