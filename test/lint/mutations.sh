#!/bin/sh
# Each mutation can be applied and names a test that is there; each test of a threat in docs/security.md has a mutation of that threat.
cd "$(dirname "$0")/../.." || exit 1
status=0
complain()
{
	echo "$*"
	status=1
}

for file in test/mutation/*.patch; do
	patch --dry-run --silent --force --strip=1 <"$file" || complain "$file cannot be applied"
	test=$(sed -n 's/^Test: //p' "$file")
	[ -e "${test%%:*}" ] || complain "$file names no test that is there"
	case $test in
	*.py:*) grep -qE "run\((.*, )?${test#*:}[,)]|^    (.*, )?${test#*:}[,)]" "${test%%:*}" || complain "$file: ${test#*:} is no part that ${test%%:*} runs" ;;
	esac
	threat=$(basename "$file" | sed -n 's/^0*\([0-9]*\)-.*/\1/p')
	[ -z "$threat" ] || grep "^| $threat |" docs/security.md | grep -qF "\`$test\`" || complain "$file: $test is not one for threat $threat"
done
for threat in $(seq 1 30); do
	for test in $(grep "^| $threat |" docs/security.md | awk -F'|' '{ print $5 }' | grep -oE '`test/[^`]+`' | tr -d '`'); do
		cat test/mutation/"$(printf %02d "$threat")"-*.patch 2>/dev/null | grep -qxF "Test: $test" || complain "threat $threat has no mutation for $test"
	done
done
exit $status
