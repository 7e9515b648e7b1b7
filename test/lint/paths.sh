#!/bin/sh
# No path of one machine, and no note to oneself.
cd "$(dirname "$0")/../.." || exit 1
places='src sql test scripts docs expected .ci Makefile CMakeLists.txt README.md CONTRIBUTING.md CHANGELOG.md META.json'
status=0
# shellcheck disable=SC2086  # a list of words
grep -rnsE --exclude-dir=build --exclude-dir=__pycache__ --exclude='*.o' --exclude='*.d' \
	'(^|[^A-Za-z0-9_./:$}-])/(work|root|home)(/|[^A-Za-z0-9_/-]|$)' $places | grep -v '^test/lint/paths\.sh:' && status=1
# shellcheck disable=SC2086
grep -rnwsE --exclude-dir=build --exclude-dir=__pycache__ --exclude='*.o' --exclude='*.d' \
	'TODO|FIXME|XXX|HACK' $places | grep -v '^test/lint/paths\.sh:' && status=1
exit $status
