#!/bin/sh
# No object that runs code when the library is loaded, or when the process ends: what the compiler would make of one.
cd "$(dirname "$0")/../.." || exit 1
objects=$(find src -name '*.cpp' | sort | sed 's/\.cpp$/.o/')
# shellcheck disable=SC2086  # names without blanks
make -s -j "$(nproc)" --no-print-directory ${PG_CONFIG:+PG_CONFIG="$PG_CONFIG"} $objects >&2 || exit 1
# shellcheck disable=SC2086
! nm -A $objects | grep -E '_GLOBAL__(sub_)?[ID]|__cxa_atexit'
