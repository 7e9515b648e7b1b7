# Prints each statement of SQL files as one line: file, line, text, separated by tabs. Comments are left out,
# strings and dollar-quoted bodies kept.

function flush_statement() {
	gsub(/[ \t]+/, " ", text)
	sub(/^ /, "", text)
	if (text != "") printf "%s\t%d\t%s\n", FILENAME, start, text
	text = ""
	start = 0
}
FNR == 1 { text = ""; start = 0; tag = ""; quoted = 0 }
/^\\/ && text ~ /^[ \t]*$/ { next }
{
	line = $0
	while (line != "") {
		if (tag != "") {
			at = index(line, tag)
			if (!at) { text = text line; line = ""; continue }
			text = text substr(line, 1, at + length(tag) - 1)
			line = substr(line, at + length(tag))
			tag = ""
		} else if (quoted) {
			at = index(line, "'")
			if (!at) { text = text line; line = ""; continue }
			text = text substr(line, 1, at)
			line = substr(line, at + 1)
			quoted = 0
		} else if (match(line, /--|'|;|\$[A-Za-z_]*\$/)) {
			found = substr(line, RSTART, RLENGTH)
			before = substr(line, 1, RSTART - 1)
			if (!start && before ~ /[^ \t]/) start = FNR
			text = text before
			line = substr(line, RSTART + RLENGTH)
			if (found == "--") { line = ""; continue }
			if (found == ";") { flush_statement(); continue }
			text = text found
			if (!start) start = FNR
			if (found == "'") quoted = 1
			else tag = found
		} else {
			if (!start && line ~ /[^ \t]/) start = FNR
			text = text line
			line = ""
		}
	}
	text = text " "
}
