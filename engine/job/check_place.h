#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/limits.h"
#include "engine/formats/beak/layer_order.h"

// What the checks of a data set's description are written with. Private to engine/job.
namespace beak {

// A part of the description: what it is called in errors, and where these go.
class FieldPlace {
 public:
  FieldPlace(std::string name, std::vector<std::string>& lines) : name_(std::move(name)), lines_(lines) {}

  FieldPlace At(const std::string& field) const { return {absl::StrCat(name_, ".", field), lines_}; }
  FieldPlace At(const std::string& field, int i) const {
    return {absl::StrCat(name_, ".", field, "[", i, "]"), lines_};
  }

  template <typename T>
  void Expect(bool condition, const std::string& expected, const T& got) const {
    if (!condition) lines_.push_back(absl::StrCat(name_, ": expected ", expected, ", got ", got));
  }
  // False for NaN too.
  void ExpectIn(double value, double low, double high) const {
    Expect(value >= low && value <= high, absl::StrCat("a number in [", low, ", ", high, "]"), value);
  }

 private:
  const std::string name_;
  std::vector<std::string>& lines_;
};

// A name, a path: something that has to be there.
inline void CheckText(const FieldPlace& at, const std::string& text) {
  at.Expect(!text.empty(), "a text", "none");
  at.Expect(text.size() <= limits::kMaxNameBytes, absl::StrCat("at most ", limits::kMaxNameBytes, " bytes"),
            text.size());
}

// Notes where something is there less than `least` or more than `most` times. False: too often to look at each.
inline bool CheckCount(const FieldPlace& at, int count, int least, int most) {
  at.Expect(count >= least && count <= most, absl::StrCat(least, " to ", most), count);
  return count <= most;
}

// "'image' or 'label'", and no more than the first few.
inline std::string JoinQuoted(std::vector<std::string> names, const char* between) {
  constexpr size_t kMaxJoined = 10;
  const bool all = names.size() <= kMaxJoined;
  names.resize(std::min(names.size(), kMaxJoined));
  const auto quote = [](std::string* out, const std::string& name) {
    absl::StrAppend(out, network_format::Quoted(name));
  };
  return absl::StrCat(absl::StrJoin(names, between, quote), all ? "" : " ...");
}

// Names of which each may be there once.
class UniqueNames {
 public:
  void Add(const FieldPlace& at, const std::string& name) {
    CheckText(at, name);
    if (!names_.insert(name).second && !name.empty())
      at.Expect(false, "each name once", absl::StrCat(network_format::Quoted(name), " again"));
  }

 private:
  std::set<std::string> names_;
};

template <typename Names>
void CheckUnique(const FieldPlace& at, const char* field, const Names& names) {
  UniqueNames unique;
  for (int i = 0; i < names.size(); ++i) unique.Add(at.At(field, i), names[i]);
}

}  // namespace beak
