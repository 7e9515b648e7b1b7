/*
 * Writing JSON (RFC 8259) and telling whether a text is JSON. Pure regime.
 */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tenancy::core::json {

/* Append text as a JSON string, quotes included. The text must be UTF-8; control characters are escaped. */
void append_string(std::string &out, std::string_view text);
void append_integer(std::string &out, std::int64_t value);
/* The shortest digits that read back as the same number; NaN and infinities, which JSON has not, as strings. */
void append_float4(std::string &out, float value);
void append_float8(std::string &out, double value);

/* Is text one JSON number? */
bool is_number(std::string_view text) noexcept;
/* Is text one JSON value, nested at most 200 deep, as PostgreSQL's json type would take it? */
bool is_valid(std::string_view text) noexcept;

} // namespace tenancy::core::json
