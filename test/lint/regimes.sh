#!/bin/sh
# Only src/bridge catches everything, or jumps; pure code may clean up and throw on, at once or later. What can be jumped over owns
# nothing with a destructor.
cd "$(dirname "$0")/../.." || exit 1
status=0
code=$(find src -name '*.cpp' -o -name '*.hpp' | grep -v '^src/bridge/' | sort)
pg_code=$(echo "$code" | grep '\.cpp$' | grep -vE '^src/(core|remote)/|\.pure\.cpp$')
# shellcheck disable=SC2086  # names without blanks
awk '
function close_handler() { if (handler) { print handler; found = 1 } handler = "" }
FNR == 1 { close_handler(); pure = FILENAME ~ /^src\/(core|remote)\/|\.pure\.[ch]pp$/ }
/^[ \t]*(\/?\*|\/\/)/ { next }
/PG_TRY|PG_CATCH|PG_FINALLY|sigsetjmp|siglongjmp/ { print FILENAME ":" FNR ": " $0; found = 1 }
handler && /^[ \t]*throw;|= std::current_exception\(\);/ { handler = "" }
handler && /^[ \t]*}/ { close_handler() }
/catch[ \t]*\([ \t]*\.\.\./ {
	handler = FILENAME ":" FNR ": " $0
	if (!pure || /}[ \t]*$/) close_handler()
}
END { close_handler(); exit found }' $code || status=1
# shellcheck disable=SC2086
awk -f test/lint/owners.awk $pg_code || status=1
exit $status
