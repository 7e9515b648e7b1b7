/*
 * See json.hpp. Pure regime.
 */
#include "core/json.hpp"

#include <charconv>
#include <cmath>

namespace tenancy::core::json {

namespace {

constexpr int max_depth = 200;

template <typename Number>
void
append_number(std::string &out, Number value)
{
	char digits[64];
	auto const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
	out.append(digits, end);
}

template <typename Real>
void
append_real(std::string &out, Real value)
{
	if (std::isnan(value))
		out += "\"NaN\"";
	else if (std::isinf(value))
		out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
	else
		append_number(out, value);
}

/* A recursive-descent reader that only says yes or no. */
class Checker {
public:
	explicit Checker(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}
	bool whole() noexcept
	{
		space();
		if (!value(0))
			return false;
		space();
		return at_ == end_;
	}
	bool whole_number() noexcept { return number() && at_ == end_; }

private:
	void space() noexcept
	{
		while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r'))
			++at_;
	}
	bool take(char wanted) noexcept
	{
		if (at_ == end_ || *at_ != wanted)
			return false;
		++at_;
		return true;
	}
	bool word(std::string_view wanted) noexcept
	{
		if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).substr(0, wanted.size()) != wanted)
			return false;
		at_ += wanted.size();
		return true;
	}
	bool digits() noexcept
	{
		const char *const first = at_;
		while (at_ != end_ && *at_ >= '0' && *at_ <= '9')
			++at_;
		return at_ != first;
	}
	bool number() noexcept
	{
		(void) take('-');
		if (!take('0') && !digits())
			return false;
		if (take('.') && !digits())
			return false;
		if (take('e') || take('E')) {
			if (!take('+'))
				(void) take('-');
			return digits();
		}
		return true;
	}
	bool string() noexcept
	{
		if (!take('"'))
			return false;
		while (at_ != end_ && *at_ != '"') {
			if (static_cast<unsigned char>(*at_) < 0x20)
				return false;
			if (*at_++ != '\\')
				continue;
			if (at_ == end_)
				return false;
			char const escaped = *at_++;
			if (escaped == 'u') {
				for (int i = 0; i < 4; ++i, ++at_)
					if (at_ == end_ || std::string_view("0123456789abcdefABCDEF").find(*at_) == std::string_view::npos)
						return false;
			} else if (std::string_view("\"\\/bfnrt").find(escaped) == std::string_view::npos)
				return false;
		}
		return take('"');
	}
	bool members(int depth, bool named, char close) noexcept
	{
		space();
		if (take(close))
			return true;
		do {
			space();
			if (named) {
				if (!string())
					return false;
				space();
				if (!take(':'))
					return false;
				space();
			}
			if (!value(depth + 1))
				return false;
			space();
		} while (take(','));
		return take(close);
	}
	bool value(int depth) noexcept
	{
		if (at_ == end_ || depth > max_depth)
			return false;
		switch (*at_) {
		case '{': ++at_; return members(depth, true, '}');
		case '[': ++at_; return members(depth, false, ']');
		case '"': return string();
		case 't': return word("true");
		case 'f': return word("false");
		case 'n': return word("null");
		default: return number();
		}
	}

	const char *at_, *end_;
};

} // namespace

void
append_string(std::string &out, std::string_view text)
{
	static constexpr char hex[] = "0123456789abcdef";
	out += '"';
	const char *kept = text.data();
	const char *const end = text.data() + text.size();
	for (const char *at = kept; at != end; ++at) {
		auto const byte = static_cast<unsigned char>(*at);
		if (byte >= 0x20 && byte != '"' && byte != '\\')
			continue;
		out.append(kept, at);
		kept = at + 1;
		switch (byte) {
		case '"': out += "\\\""; break;
		case '\\': out += "\\\\"; break;
		case '\n': out += "\\n"; break;
		case '\r': out += "\\r"; break;
		case '\t': out += "\\t"; break;
		default:
			out += "\\u00";
			out += hex[byte >> 4];
			out += hex[byte & 15];
		}
	}
	out.append(kept, end);
	out += '"';
}

void
append_integer(std::string &out, std::int64_t value)
{
	append_number(out, value);
}

void
append_float4(std::string &out, float value)
{
	append_real(out, value);
}

void
append_float8(std::string &out, double value)
{
	append_real(out, value);
}

bool
is_number(std::string_view text) noexcept
{
	return Checker(text).whole_number();
}

bool
is_valid(std::string_view text) noexcept
{
	return Checker(text).whole();
}

} // namespace tenancy::core::json
