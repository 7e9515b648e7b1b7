#!/bin/sh
# The scripts are POSIX shell; shellcheck has its say where it is installed.
cd "$(dirname "$0")/../.." || exit 1
scripts=$(find scripts .ci test/lint test/bench -type f | while read -r file; do
	head -n 1 "$file" | grep -q '^#!/bin/sh' && echo "$file"
done | sort)
status=0
for script in $scripts; do
	sh -n "$script" || status=1
	[ "$(head -n 1 "$script")" = '#!/bin/sh' ] && [ ! -x "$script" ] && echo "$script is not executable" && status=1
done
if command -v shellcheck >/dev/null; then
	# shellcheck disable=SC2086  # names without blanks
	shellcheck -x -S warning $scripts || status=1
fi
exit $status
