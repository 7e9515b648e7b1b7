#!/bin/sh
# No call that blocks on a remote server, a name server or the clock: every wait goes through the Waiter.
# Oracle's client library has no other calls for some steps, so what is compiled only for it is let through: there a
# thread makes them.
cd "$(dirname "$0")/../.." || exit 1
calls='PQ(exec|execParams|execPrepared|prepare|describePrepared|connectdb|connectdbParams|setdb|setdbLogin|reset|ping|pingParams|cancel|requestCancel|cancelBlocking|fn)
mysql_(real_query|query|real_connect|connect|store_result|next_result|ping|kill|select_db|change_user|reset_connection|set_character_set|autocommit|commit|rollback|list_fields|shutdown)
mysql_stmt_(prepare|execute|store_result|next_result|send_long_data)
curl_easy_perform
getaddrinfo|getnameinfo|gethostbyname|gethostbyaddr|res_query|res_search
sleep|usleep|nanosleep|clock_nanosleep|pg_usleep|sleep_for|sleep_until
system|popen'
find src -name '*.cpp' -o -name '*.hpp' | sort | xargs awk -v calls="$(printf %s "$calls" | tr '\n' '|')" '
BEGIN { pattern = "(^|[^A-Za-z0-9_])(" calls ")[ \t]*[(]" }
FNR == 1 { depth = 0; oracle = 0 }
/^[ \t]*#[ \t]*if/ { depth++; mariadb[depth] = /ifdef[ \t]+(MARIADB|LIBMARIADB)/ }
/^[ \t]*#[ \t]*ifndef[ \t]+MARIADB/ { oracle = depth }
/^[ \t]*#[ \t]*else/ && mariadb[depth] { oracle = depth }
/^[ \t]*#[ \t]*endif/ { if (oracle == depth) oracle = 0; depth-- }
/^[ \t]*(\/?\*|\/\/)/ || oracle { next }
$0 ~ pattern { print FILENAME ":" FNR ": " $0; found = 1 }
END { exit found }'
