#!/bin/sh
# No object that runs code when the library is loaded, or when the process ends. Needs clang; without it there is nothing to say.
cd "$(dirname "$0")/../.." || exit 1
clang=$(command -v clang++ || find /usr/bin -name 'clang++-[0-9]*' | sort -V | tail -n 1)
[ -n "$clang" ] || exit 0
objects=$(find src -name '*.cpp' | sort | sed 's/\.cpp$/.o/')
# The build's own commands, one per object, turned into syntax checks.
# shellcheck disable=SC2086  # names without blanks
make -n -B --no-print-directory ${PG_CONFIG:+PG_CONFIG="$PG_CONFIG"} CXX=COMPILE $objects |
	sed -n 's/^COMPILE //p' |
	sed -e 's/ -MMD -MP//' -e 's/ -o [^ ]*//' -e 's/ -c / /' |
	sed "s|.*|$clang -fsyntax-only & -Wno-everything -Werror=global-constructors -Werror=exit-time-destructors|" |
	tr '\n' '\0' | xargs -0 -r -n 1 -P "$(nproc)" sh -c
