#!/bin/sh
# Each mutation can be applied and names a test that is there; each threat in docs/security.md has mutations for its tests.
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
	threat=$(basename "$file" | sed -n 's/^0*\([0-9]*\)-.*/\1/p')
	[ -z "$threat" ] || grep "^| $threat |" docs/security.md | grep -qF "\`$test\`" || complain "$file: $test is not one for threat $threat"
done
for threat in $(seq -w 1 30); do
	ls test/mutation/"$threat"-*.patch >/dev/null 2>&1 || complain "threat $threat has no mutation"
done
exit $status
