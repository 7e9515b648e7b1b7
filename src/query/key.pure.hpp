/*
 * What cached answers are known by. Pure regime.
 */
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "core/digest.hpp"
#include "remote/value.hpp"

namespace tenancy::query {

using core::Digest;

/*
 * Of texts, one of which may be absent, numbers and parameters, each with its length, so that no two lists are alike.
 */
Digest digest_of(std::initializer_list<std::string_view> texts, std::initializer_list<std::int64_t> numbers,
                 remote::ParamList params);

} // namespace tenancy::query
