#!/bin/sh
# One word per capability: src/word, sql/NN-word.sql, docs/word.md, test/sql/word_*.sql; each test with its expected output.
cd "$(dirname "$0")/../.." || exit 1
status=0
complain()
{
	echo "$*"
	status=1
}

# Is there a file of that pattern? Called with the pattern unquoted.
exists()
{
	[ -e "$1" ]
}

for folder in src/*/; do
	word=$(basename "$folder")
	case $word in bridge | core | remote) continue ;; esac
	[ -e "src/$word/$word.hpp" ] || complain "src/$word has no public header src/$word/$word.hpp"
	exists sql/[0-9][0-9]-"$word".sql || complain "src/$word has no sql/NN-$word.sql"
	[ -e "docs/$word.md" ] || complain "src/$word has no docs/$word.md"
	exists test/sql/"$word"*.sql || complain "src/$word has no test/sql/${word}_*.sql"
done
for part in sql/[0-9]*.sql; do
	word=$(basename "$part" .sql | sed 's/^[0-9]*-//')
	case $word in schema | privilege) continue ;; esac
	[ -d "src/$word" ] || complain "$part has no src/$word"
done
for test in test/sql/*.sql; do
	[ ! -e "$test" ] || [ -e "expected/$(basename "$test" .sql).out" ] || complain "$test has no expected/*.out"
done
for out in expected/*.out; do
	name=$(basename "$out" .out)
	# name_1.out is another accepted output of name.
	[ ! -e "$out" ] || [ -e "test/sql/$name.sql" ] || [ -e "test/sql/${name%_[0-9]}.sql" ] || complain "$out has no test/sql/*.sql"
done
for spec in test/specs/*.spec; do
	[ ! -e "$spec" ] || [ -e "test/expected/$(basename "$spec" .spec).out" ] || complain "$spec has no test/expected/*.out"
done
exit $status
