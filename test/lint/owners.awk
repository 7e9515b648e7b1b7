# Prints locals of owning C++ types in PG code that are outside of enter(), attempt() and owned().
# A heuristic on text: members of structs, references, pointers and template arguments are allowed, and so is a
# function whose comment says that it is pure ("Pure: …" at the start).

function reset_file() { depth = 0; inside = 0; record = -1; pure = -1; in_comment = 0; pending_pure = 0; pending_record = 0 }
BEGIN {
	owner = "(std::(string|vector|unique_ptr|shared_ptr|weak_ptr|function|map|set|unordered_map|unordered_set|multimap|deque|list|any|" \
		"ostringstream|stringstream|thread|lock_guard|unique_lock)|core::(Secret|Error)|remote::(Batch|Target|NetworkList|Param))(<.*>)?"
	declared = "(^|[^A-Za-z_:<])" owner "[ \t]+(const[ \t]+)?[a-z_]+[ \t]*([;={(,)]|$)"
	made = "(^|[^A-Za-z_:<])(std::to_string|std::make_unique<.*>|std::make_shared<.*>|" owner ")[({]"
}
FNR == 1 { reset_file() }
{
	line = $0
	if (line ~ /^[ \t]*(\/\*|\/\/)[ \t]*Pure[:, ]/) pending_pure = 1
	if (in_comment) {
		if (line !~ /\*\//) next
		sub(/^.*\*\//, "", line)
		in_comment = 0
	}
	gsub(/\/\*[^*]*\*\//, "", line)
	sub(/\/\/.*/, "", line)
	gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
	gsub(/'([^'\\]|\\.)'/, "' '", line)
	if (line ~ /\/\*/) { sub(/\/\*.*/, "", line); in_comment = 1 }

	# A struct's body may hold owners: whoever makes the struct answers for it.
	if (line ~ /^[ \t]*(struct|class|union)[ \t]+[A-Za-z_]+/ && line !~ /;[ \t]*$/) pending_record = 1

	if (!inside && record < 0 && pure < 0 && (line ~ declared || line ~ made) &&
	    line !~ /(^|[^a-z_])throw[ \t]/ && line !~ /(enter|attempt|owned)[ \t]*(<[^>]*>)?\(/ && line !~ /^[ \t]*(using|typedef|extern)[ \t]/) {
		printf "%s:%d: %s\n", FILENAME, FNR, $0
		found = 1
	}

	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		rest = substr(line, i)
		if (!inside && rest ~ /^(enter|attempt|owned)[ \t]*(<[^>(]*>)?\(/ && substr(" " line, i, 1) !~ /[A-Za-z_]/) {
			match(rest, /\(/)
			i += RSTART - 1
			inside = 1
			continue
		}
		if (inside && c == "(") inside++
		if (inside && c == ")") inside--
		if (c == "{") {
			if (pending_record && record < 0) record = depth
			if (pending_pure && pure < 0) pure = depth
			pending_record = pending_pure = 0
			depth++
		}
		if (c == "}") {
			depth--
			if (record == depth) record = -1
			if (pure == depth) pure = -1
		}
	}
}
END { exit found }
