#!/bin/sh
# The table of threats in docs/security.md has thirty rows; the files it names exist, and so do the tests: `file` or `file:name`.
cd "$(dirname "$0")/../.." || exit 1
status=0
complain()
{
	echo "$*"
	status=1
}

table=$(sed -n '/^## Threats, defences, tests/,/^## [^T]/p' docs/security.md | grep -E '^\| [0-9]+ \|')
numbers=$(echo "$table" | sed 's/^| \([0-9]*\) .*/\1/' | tr '\n' ' ')
[ "$numbers" = "$(seq -s ' ' 1 30) " ] || complain "docs/security.md: the threats are numbered $numbers"
echo "$table" | awk -F' *\\| *' '$4 !~ /`src|`sql|`test\/lint/ || $5 !~ /`test/ { print "docs/security.md: threat " $2 " lacks a defence or a test"; bad = 1 } END { exit bad }' || status=1
for reference in $(echo "$table" | grep -oE '`(src|sql|test)/[^` ]+`' | tr -d '`' | sort -u); do
	file=${reference%%:*}
	[ -e "$file" ] || { complain "docs/security.md names $file, which does not exist" && continue; }
	case $reference in
	*.cpp:*) name="(${reference#*:})" && name=$(echo "$name" | sed 's/\./, /') ;;
	*:*) name="def ${reference#*:}()" ;;
	*) continue ;;
	esac
	grep -qF "$name" "$file" || complain "docs/security.md names $reference, which is not in that file"
done
exit $status
