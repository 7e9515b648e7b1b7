/*
 * Texts that are signed with the key ring, for whoever keeps them outside of the database. PG regime.
 */
#include <string>

#include "bridge/pg.hpp"

#include "bridge/enter.hpp"
#include "bridge/function.hpp"
#include "bridge/wait.hpp"
#include "credential/credential.hpp"
#include "credential/sign.hpp"
#include "credential/source.hpp"

namespace tenancy::credential {

char *
sign(const char *purpose, const char *message)
{
	vault::Source const source = key_source();
	Size const room = strlen(message) + vault::max_key_id + 2 * mac_size + 3;
	auto *const text = static_cast<char *>(palloc(room));
	bridge::enter([&] {
		vault::refresh(source, bridge::waiter());
		std::string whole = std::string(message).append(":").append(vault::id(0));
		std::string const signature = hex_of(vault::mac(0, purpose, whole));
		whole.append(":").append(signature);
		memcpy(text, whole.c_str(), whole.size() + 1);
	});
	return text;
}

Signature
check_signature(const char *purpose, const char *text)
{
	vault::Source const source = key_source();
	return bridge::enter([&] {
		std::string_view const whole(text);
		std::size_t const last = whole.rfind(':');
		std::size_t const before = last == 0 || last == whole.npos ? whole.npos : whole.rfind(':', last - 1);
		if (before == whole.npos)
			return Signature::forged;
		vault::refresh(source, bridge::waiter());
		std::string_view const key_id = whole.substr(before + 1, last - before - 1);
		std::size_t const index = vault::find(source, key_id, bridge::waiter());
		if (index == vault::size())
			return Signature::unknown_key;
		std::string const wanted = hex_of(vault::mac(index, purpose, whole.substr(0, last)));
		std::string_view const given = whole.substr(last + 1);
		bool const same =
			given.size() == wanted.size() && CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
		return same ? Signature::good : Signature::forged;
	});
}

/* tenancy.key_ids() → (key_id, active). */
TENANCY_FUNCTION(key_ids)
{
	InitMaterializedSRF(fcinfo, 0);
	auto *const result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	vault::Source const source = key_source();
	std::size_t const size = bridge::enter([&] {
		vault::refresh(source, bridge::waiter());
		return vault::size();
	});
	for (std::size_t i = 0; i < size; ++i) {
		const char *const id = pnstrdup(vault::id(i).data(), vault::id(i).size());
		Datum values[] = {CStringGetTextDatum(id), BoolGetDatum(i == 0)};
		bool nulls[] = {false, false};
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return static_cast<Datum>(0);
}

} // namespace tenancy::credential
