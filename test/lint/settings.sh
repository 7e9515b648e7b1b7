#!/bin/sh
# Every setting is described in docs/settings.md, and nothing is described that does not exist.
cd "$(dirname "$0")/../.." || exit 1
status=0
# shellcheck disable=SC2046  # names without blanks
defined=$(grep -hoE '"tenancy\.[a-z0-9_]+"' $(grep -rlE --include='*.cpp' 'DefineCustom[A-Za-z]+Variable' src) | tr -d '"' | sort -u)
# A described setting is one that opens a heading or a table's row.
described=$(grep -hoE '^(#+|\|) *`?tenancy\.[a-z0-9_]+`?' docs/settings.md | grep -oE 'tenancy\.[a-z0-9_]+' | sort -u)
for name in $defined; do
	echo "$described" | grep -qx "$name" || { echo "$name is not described in docs/settings.md" && status=1; }
done
for name in $described; do
	echo "$defined" | grep -qx "$name" || { echo "docs/settings.md describes $name, which does not exist" && status=1; }
done
exit $status
