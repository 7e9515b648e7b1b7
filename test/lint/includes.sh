#!/bin/sh
# Arrows go right and down: a feature includes earlier features by their public header (pure code: by their pure
# headers), bridge, remote and core; remote includes core; core includes only itself. Client libraries have one home each.
cd "$(dirname "$0")/../.." || exit 1
grep -rnoE --include='*.[ch]pp' '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+[>"]' src | awk -F: '
BEGIN {
	words = split("identity credential connection history query health catalog fdw ask dashboard", order, " ")
	for (i = 1; i <= words; i++) rank[order[i]] = i
	home["libpq-fe.h"] = "src/remote/postgres/"
	home["mysql.h"] = home["mysql/mysql.h"] = home["errmsg.h"] = home["mysqld_error.h"] = "src/remote/mysql/"
	home["sqlite3.h"] = "src/remote/sqlite/"
	home["ares.h"] = "src/remote/"
	home["curl/curl.h"] = "src/ask/"
}
function allowed(file, target, from, to, parts, pure) {
	if (target in home) return index(file, home[target]) == 1
	if ($3 ~ /</) return 1
	pure = file ~ /^src\/(core|remote)\// || file ~ /\.pure\.[ch]pp$/
	if (target !~ /\.hpp$/) return !pure
	split(file, parts, "/")
	from = file ~ /^src\/[^\/]*$/ ? "" : parts[2]
	to = target ~ /\// ? substr(target, 1, index(target, "/") - 1) : ""
	if (from == "core") return to == "core"
	if (from == "remote") return to == "core" || to == "remote"
	if (from == "bridge") return to == "core" || to == "bridge" || target == "remote/value.hpp"
	if (pure && (to == "" || to == "bridge")) return 0
	if (to == "core" || to == "remote" || to == "bridge" || to == from) return 1
	if (to == "") return target == "settings.hpp"
	if (target != to "/" to ".hpp" && target != "catalog/schema.hpp" && target !~ /\.pure\.hpp$/) return 0
	return from == "" || rank[to] < rank[from]
}
{
	target = $3
	gsub(/^[^<"]*[<"]|[>"].*$/, "", target)
	if (!allowed($1, target)) {
		print $1 ":" $2 ": may not include " target
		found = 1
	}
}
END { exit found }'
