/*
 * The address of a language model's endpoint. Pure regime.
 */
#include "ask/http.pure.hpp"

#include <memory>

#include <curl/curl.h>

#include "core/error.hpp"

namespace tenancy::ask {

namespace {

struct FreeUrl {
	void operator()(CURLU *url) const noexcept { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

[[noreturn]] void
refuse(const char *why)
{
	throw core::Error(core::FailureKind::other, "22023", "invalid endpoint of the language model", why,
	                  "The setting tenancy.llm_endpoint is like \"https://host/v1\".");
}

/* A part of the URL; empty when it has none. */
std::string
part_of(CURLU *url, CURLUPart part, unsigned flags = 0)
{
	char *text = nullptr;
	CURLUcode const code = curl_url_get(url, part, &text, flags);
	if (code == CURLUE_OUT_OF_MEMORY)
		throw std::bad_alloc();
	std::string const copy = code == CURLUE_OK && text != nullptr ? text : "";
	curl_free(text);
	return copy;
}

} // namespace

Endpoint
Endpoint::parse(const std::string &base, std::string_view path)
{
	Url const url(curl_url());
	if (!url)
		throw std::bad_alloc();
	if (curl_url_set(url.get(), CURLUPART_URL, base.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		refuse("It is not a URL.");
	std::string const scheme = part_of(url.get(), CURLUPART_SCHEME);
	if (scheme != "http" && scheme != "https")
		refuse("Its scheme is neither http nor https.");
	if (!part_of(url.get(), CURLUPART_USER).empty() || !part_of(url.get(), CURLUPART_PASSWORD).empty())
		refuse("It holds a user name; keys belong into the file that tenancy.llm_api_key_file names.");
	if (!part_of(url.get(), CURLUPART_QUERY).empty() || !part_of(url.get(), CURLUPART_FRAGMENT).empty())
		refuse("It has a query or a fragment.");

	std::string full = part_of(url.get(), CURLUPART_PATH);
	while (full.ends_with('/'))
		full.pop_back();
	if (!full.ends_with(path))
		full += path;
	if (curl_url_set(url.get(), CURLUPART_PATH, full.c_str(), 0) != CURLUE_OK)
		refuse("Its path is not valid.");

	Endpoint endpoint;
	endpoint.url = part_of(url.get(), CURLUPART_URL);
	endpoint.host = part_of(url.get(), CURLUPART_HOST);
	endpoint.port = part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
	endpoint.encrypted = scheme == "https";
	if (endpoint.host.starts_with('[') && endpoint.host.ends_with(']'))
		endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
	if (endpoint.host.empty())
		refuse("It has no host.");
	return endpoint;
}

bool
Endpoint::is_local() const noexcept
{
	return host == "localhost" || host == "::1" ||
	       (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

} // namespace tenancy::ask
