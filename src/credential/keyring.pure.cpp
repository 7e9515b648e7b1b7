/*
 * See keyring.hpp. Pure regime.
 */
#include "credential/keyring.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <sys/mman.h>

#include <openssl/crypto.h>

#include "core/error.hpp"
#include "credential/base64.hpp"

namespace tenancy::credential {

namespace {

constexpr core::PrivateFile key_file = {"key file", "The setting tenancy.key_file names the key ring.",
                                        "It is larger than a key ring can be.", 64 << 10};
constexpr std::size_t max_id_size = 64;
constexpr std::string_view blanks = " \t\r";

[[noreturn]] void
refuse_line(std::size_t line, const char *why)
{
	throw core::Error(core::FailureKind::other, "22023", "invalid key ring",
	                  "Line " + std::to_string(line) + ": " + why,
	                  "A key ring has lines \"id base64key\", the active key first, each key of exactly 32 bytes; "
	                  "make one with: openssl rand -base64 32");
}

bool
is_id(std::string_view id) noexcept
{
	return !id.empty() && id.size() <= max_id_size && std::all_of(id.begin(), id.end(), [](char c) {
		return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
		       c == '-';
	});
}

std::string_view
trim(std::string_view text) noexcept
{
	std::size_t const first = text.find_first_not_of(blanks);
	if (first == text.npos)
		return {};
	return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

} // namespace

KeyRing
KeyRing::parse(std::string_view text)
{
	KeyRing ring;
	std::size_t const lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
	ring.mapped_ = lines * key_size;
	void *const memory = mmap(nullptr, ring.mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		throw core::Error(core::FailureKind::other, "53200", "out of memory");
	ring.keys_ = static_cast<unsigned char *>(memory);
	(void) madvise(memory, ring.mapped_, MADV_DONTDUMP);
	(void) mlock(memory, ring.mapped_);

	for (std::size_t line = 1; !text.empty(); ++line) {
		std::size_t const end = std::min(text.find('\n'), text.size());
		std::string_view entry = trim(text.substr(0, end));
		text.remove_prefix(std::min(end + 1, text.size()));
		if (entry.empty() || entry.front() == '#')
			continue;
		std::size_t const gap = entry.find_first_of(blanks);
		if (gap == entry.npos)
			refuse_line(line, "There is no key after the id.");
		ring.add(entry.substr(0, gap), trim(entry.substr(gap)), line);
	}
	if (ring.ids_.empty())
		throw core::Error(core::FailureKind::other, "22023", "key ring is empty", {},
		                  "A key ring has lines \"id base64key\", the active key first.");
	return ring;
}

void
KeyRing::add(std::string_view id, std::string_view base64, std::size_t line)
{
	if (!is_id(id))
		refuse_line(line, "The id is not 1 to 64 of the characters A-Z, a-z, 0-9, \".\", \"_\" and \"-\".");
	if (std::find(ids_.begin(), ids_.end(), id) != ids_.end())
		refuse_line(line, "The id was used before.");
	core::Secret key(base64.size() / 4 * 3);
	auto const size = from_base64(base64, key.data());
	if (!size)
		refuse_line(line, "The key is not base64.");
	if (*size != key_size)
		refuse_line(line, "The key does not have 32 bytes.");
	std::memcpy(keys_ + ids_.size() * key_size, key.data(), key_size);
	ids_.emplace_back(id);
}

KeyRing::KeyRing(KeyRing &&other) noexcept
	: ids_(std::move(other.ids_)), keys_(std::exchange(other.keys_, nullptr)), mapped_(std::exchange(other.mapped_, 0))
{
	other.ids_.clear();
}

KeyRing &
KeyRing::operator=(KeyRing &&other) noexcept
{
	std::swap(ids_, other.ids_);
	std::swap(keys_, other.keys_);
	std::swap(mapped_, other.mapped_);
	return *this;
}

KeyRing::~KeyRing()
{
	if (keys_ == nullptr)
		return;
	OPENSSL_cleanse(keys_, mapped_);
	munmap(keys_, mapped_);
}

FileStamp
stamp_of(const std::string &path)
{
	return core::stamp_of(path, key_file);
}

core::Secret
read_key_file(const std::string &path, FileStamp &stamp)
{
	return core::read_private_file(path, key_file, stamp);
}

} // namespace tenancy::credential
