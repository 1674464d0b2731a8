#include "server/jobs/page_token.h"

#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"

namespace beak {
namespace {

constexpr size_t kSequenceDigits = 16;
constexpr size_t kCheckDigits = 8;

}  // namespace

std::string MakePageToken(const JobFilter& filter, int64_t sequence) {
  std::string text = absl::StrCat("beak train jobs\n", sequence, "\n", filter.model);
  for (const int state : std::set<int>(filter.states.begin(), filter.states.end())) absl::StrAppend(&text, "\n", state);
  Sha256 hash;
  hash.Update(text.data(), text.size());
  return absl::StrCat(absl::Hex(sequence, absl::kZeroPad16), ToHex(hash.Finish()).substr(0, kCheckDigits));
}

absl::StatusOr<int64_t> ReadPageToken(const JobFilter& filter, const std::string& token) {
  if (token.empty()) return INT64_MAX;
  int64_t sequence = 0;
  const bool read = token.size() == kSequenceDigits + kCheckDigits &&
                    absl::SimpleHexAtoi(token.substr(0, kSequenceDigits), &sequence);
  if (read && MakePageToken(filter, sequence) == token) return sequence;
  return absl::InvalidArgumentError("page_token: expected the next_page_token of an answer to the same question");
}

}  // namespace beak
