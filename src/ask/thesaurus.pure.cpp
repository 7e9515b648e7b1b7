/*
 * The tables behind thesaurus.pure.hpp: everyday words of business, school, health and media. Pure regime.
 */
#include "ask/thesaurus.pure.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tenancy::ask {

namespace {

/* Is word among the words of a list that blanks separate? */
bool
listed(std::string_view list, std::string_view word)
{
	for (std::size_t at = list.find(word); at != std::string_view::npos; at = list.find(word, at + 1)) {
		std::size_t const end = at + word.size();
		if ((at == 0 || list[at - 1] == ' ') && (end == list.size() || list[end] == ' '))
			return !word.empty();
	}
	return false;
}

/* In each line, words of one meaning. */
constexpr std::array<std::string_view, 46> meanings{{"customer client buyer shopper",
                                                     "employee staff worker personnel colleague coworker",
                                                     "product article good merchandise",
                                                     "order purchase",
                                                     "doctor physician",
                                                     "student pupil",
                                                     "teacher instructor lecturer professor",
                                                     "track song",
                                                     "artist band musician singer",
                                                     "album record",
                                                     "issue ticket",
                                                     "invoice bill",
                                                     "supplier vendor",
                                                     "department dept division",
                                                     "store shop outlet",
                                                     "film movie",
                                                     "city town",
                                                     "country nation",
                                                     "salary wage pay earning compensation",
                                                     "price cost",
                                                     "quantity qty unit piece",
                                                     "score mark",
                                                     "status state",
                                                     "kind type category",
                                                     "comment remark",
                                                     "phone telephone mobile",
                                                     "email mail",
                                                     "gender sex",
                                                     "duration length runtime",
                                                     "amount value",
                                                     "review feedback",
                                                     "rating stars",
                                                     "appointment visit",
                                                     "course class",
                                                     "drug medication medicine",
                                                     "stock inventory",
                                                     "shipment delivery",
                                                     "warehouse depot",
                                                     "carrier haulier",
                                                     "branch office",
                                                     "credit point",
                                                     "reason cause",
                                                     "user member",
                                                     "reservation booking",
                                                     "vehicle car",
                                                     "book title"}};

struct Measure {
	std::string_view adjectives; /* positive, comparative, superlative of one word after the other */
	std::string_view measure;
	bool descending;
};

constexpr std::array<Measure, 18> measures{
	{{"expensive pricey costly dear", "price", true},
     {"cheap cheaper cheapest inexpensive", "price", false},
     {"long longer longest", "duration", true},
     {"short shorter shortest", "duration", false},
     {"heavy heavier heaviest", "weight", true},
     {"light lighter lightest", "weight", false},
     {"old older oldest", "age", false},
     {"young younger youngest", "age", true},
     {"new newer newest recent latest", "time", true},
     {"early earlier earliest", "time", false},
     {"large larger largest big bigger biggest great greater greatest", "size", true},
     {"small smaller smallest little", "size", false},
     {"high higher highest", "any", true},
     {"low lower lowest", "any", false},
     {"tall taller tallest", "height", true},
     {"fast faster fastest", "speed", true},
     {"slow slower slowest", "speed", false},
     {"top maximum maximal", "any", true}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> measure_words{
	{{"price", "price cost fee"},
     {"duration", "duration length minute second hour day"},
     {"weight", "weight"},
     {"salary", "salary wage pay income compensation"},
     {"size", "size amount total capacity area population quantity principal balance value budget"},
     {"height", "height"},
     {"speed", "speed"},
     {"revenue", "revenue sale turnover total amount fee"},
     {"amount", "amount total value sum"}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> units{
	{{"kg kilo kilogram kilos", "kg"},
     {"mg milligram", "mg"},
     {"g gram", "g"},
     {"m3", "m3"},
     {"km kilometer kilometre", "km"},
     {"minute min", "minute"},
     {"second sec", "second"},
     {"millisecond ms", "millisecond"},
     {"hour hr", "hour"},
     {"day", "day"},
     {"month", "month"},
     {"year", "year"},
     {"euro eur dollar usd franc chf pound gbp", "money"},
     {"percent % pct", "percent"}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 22> demonyms{
	{{"german", "germany"},      {"swiss", "switzerland"},      {"french", "france"},
     {"italian", "italy"},       {"spanish", "spain"},          {"austrian", "austria"},
     {"dutch", "netherlands"},   {"belgian", "belgium"},        {"swedish", "sweden"},
     {"norwegian", "norway"},    {"danish", "denmark"},         {"finnish", "finland"},
     {"irish", "ireland"},       {"british", "united kingdom"}, {"polish", "poland"},
     {"portuguese", "portugal"}, {"greek", "greece"},           {"american", "united states"},
     {"canadian", "canada"},     {"mexican", "mexico"},         {"japanese", "japan"},
     {"indian", "india"}}};

constexpr std::string_view fillers =
	"a an the teh please kindly can could you would i we us me my our want need like to see know show tell give "
	"get find list display fetch return retrieve view print any some is are was were be been being do does did "
	"there it its their his her them they also just whats thats exist exists existing of data information details "
	"record entries so far ever yet already because anything something anyone whose how about overall here on at";

constexpr std::string_view light_verbs =
	"placed made created recorded done happened took take taken taking dated entered occurred registered have has "
	"had having got done given bought purchased come came coming live lives living reside based located work works "
	"working earn earns earning earned cost costs costing sold belong belongs belonging called named titled "
	"written priced rated worth paid pays used held holds hold go goes going sent carry carried carries supplied "
	"include includes contain";

constexpr std::string_view deeds =
	"bought purchased sold paid pays used sent supplied given carry carried carries take "
	"took taken taking";

constexpr std::string_view makings =
	"placed made created recorded done happened dated entered occurred registered written";

constexpr std::string_view common = "what when where which while whom whose with without within about above after "
									"again among before below between both "
									"each every from have into last less list made make many month more most much name "
									"next number only other over part "
									"place since some such than that their them then there these they this those "
									"through total under until very week were "
									"year your average maximum minimum highest lowest best worst good well make sense "
									"growth grow rate share ratio percentage "
									"compare compared versus forecast predict trend risk risky profit margin loss "
									"churn median improve dropping weather "
									"happy satisfied recommend transfer assign delete update insert drop create "
									"all available current currently due including";

} // namespace

std::string_view
concept_of(std::string_view stem)
{
	for (std::string_view const line : meanings)
		if (listed(line, stem))
			return line.substr(0, line.find(' '));
	return stem;
}

std::optional<Adjective>
adjective(std::string_view folded)
{
	for (auto const &[words, measure, descending] : measures)
		if (listed(words, folded)) {
			bool const superlative =
				folded.ends_with("est") || folded == "top" || folded == "maximum" || folded == "maximal";
			return Adjective{measure, descending, superlative};
		}
	return std::nullopt;
}

std::vector<std::string_view>
words_of_measure(std::string_view measure)
{
	std::vector<std::string_view> words;
	for (auto const &[name, list] : measure_words)
		if (name == measure)
			for (std::size_t at = 0; at < list.size();) {
				std::size_t const end = std::min(list.find(' ', at), list.size());
				words.push_back(list.substr(at, end - at));
				at = end + 1;
			}
	return words;
}

std::string_view
measure_of(std::string_view stem)
{
	if (listed("revenue sale turnover", stem))
		return "revenue";
	if (stem == "payroll")
		return "salary";
	return listed("value amount", stem) ? "amount" : std::string_view();
}

std::string_view
unit_of(std::string_view stem)
{
	for (auto const &[words, unit] : units)
		if (listed(words, stem))
			return unit;
	return {};
}

std::string_view
country_of(std::string_view folded)
{
	for (auto const &[people, country] : demonyms)
		if (people == folded)
			return country;
	return {};
}

bool
is_filler(std::string_view folded)
{
	return listed(fillers, folded);
}

bool
is_light_verb(std::string_view folded)
{
	return listed(light_verbs, folded);
}

bool
is_origin(std::string_view word)
{
	return listed("from origin source departure sender start", word);
}

bool
is_goal(std::string_view word)
{
	return listed("to destination target arrival recipient receiver end", word);
}

bool
looks_ahead(std::string_view word)
{
	return listed("due deadline expiry expire expiration renewal renew end until scheduled planned next", word);
}

bool
is_deed(std::string_view folded)
{
	return listed(deeds, folded);
}

bool
is_making(std::string_view folded)
{
	return listed(makings, folded);
}

bool
is_common_word(std::string_view folded)
{
	return listed(common, folded) || is_filler(folded) || is_light_verb(folded);
}

} // namespace tenancy::ask
