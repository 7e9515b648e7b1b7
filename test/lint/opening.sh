#!/bin/sh
# Every source file opens with a comment that says what it does and which regime it is in.
cd "$(dirname "$0")/../.." || exit 1
find src -name '*.cpp' -o -name '*.hpp' | sort | {
	status=0
	while read -r file; do
		if [ "$(head -c 2 "$file")" != '/*' ] || ! head -n 4 "$file" | grep -qiE '(pg|pure) regime'; then
			echo "$file: does not open with a comment that names its regime"
			status=1
		fi
	done
	exit $status
}
