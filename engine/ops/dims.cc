#include "engine/ops/dims.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_join.h"
#include "engine/base/checked.h"
#include "engine/base/status.h"

namespace beak {
namespace {

bool Is(const Dim& dim, int64_t value) { return dim.known() && dim.value() == value; }

Dim FromChecked(std::optional<int64_t> value) { return value && *value >= 0 ? Dim(*value) : Dim(); }

// A product of dimensions, taken apart.
struct Factors {
  std::optional<int64_t> known = 1;  // nullopt after an overflow
  std::multiset<std::string> symbols;
  int unknown = 0;

  void Multiply(const Dim& dim) {
    if (dim.known()) {
      if (known) known = CheckedMul(*known, dim.value());
    } else if (dim.symbol().empty()) {
      ++unknown;
    } else {
      symbols.insert(dim.symbol());
    }
  }
};

// Takes the symbols that both have out of both.
void Cancel(Factors& a, Factors& b) {
  for (auto it = a.symbols.begin(); it != a.symbols.end();) {
    const auto other = b.symbols.find(*it);
    if (other == b.symbols.end()) {
      ++it;
    } else {
      b.symbols.erase(other);
      it = a.symbols.erase(it);
    }
  }
}

absl::Status CountMismatch(const PartialShape& input, const PartialShape& output) {
  return absl::InvalidArgumentError(
      absl::StrCat("reshape: expected as many elements as ", ToString(input), " has, got ", ToString(output)));
}

// The dimension that makes the elements of `output`, times it, those of `input`.
absl::StatusOr<Dim> Quotient(const Factors& input, const Factors& output, const PartialShape& from,
                             const PartialShape& to) {
  if (input.unknown > 0 || !output.symbols.empty()) return Dim();
  if (input.symbols.empty()) {
    if (*output.known == 0 || *input.known % *output.known != 0) return CountMismatch(from, to);
    return Dim(*input.known / *output.known);
  }
  if (input.symbols.size() == 1 && *input.known == *output.known) return Dim::Symbol(*input.symbols.begin());
  return Dim();
}

}  // namespace

bool MayBeEqual(const Dim& a, const Dim& b) { return !a.known() || !b.known() || a.value() == b.value(); }

const Dim& Better(const Dim& a, const Dim& b) {
  if (a.known()) return a;
  return b.known() || a.symbol().empty() ? b : a;
}

Dim AddDims(const Dim& a, const Dim& b) {
  if (Is(a, 0)) return b;
  if (Is(b, 0)) return a;
  return a.known() && b.known() ? FromChecked(CheckedAdd(a.value(), b.value())) : Dim();
}

Dim SubtractDims(const Dim& a, const Dim& b) {
  if (Is(b, 0)) return a;
  if (a.Same(b)) return 0;
  return a.known() && b.known() ? FromChecked(a.value() - b.value()) : Dim();
}

Dim MultiplyDims(const Dim& a, const Dim& b) {
  if (Is(a, 1)) return b;
  if (Is(b, 1)) return a;
  if (Is(a, 0) || Is(b, 0)) return 0;
  return a.known() && b.known() ? FromChecked(CheckedMul(a.value(), b.value())) : Dim();
}

Dim DivideDims(const Dim& a, const Dim& b) {
  if (Is(b, 1)) return a;
  return a.known() && b.known() && b.value() != 0 ? Dim(a.value() / b.value()) : Dim();
}

Dim ProductOfDims(std::span<const Dim> dims) {
  Dim product = 1;
  for (const Dim& dim : dims) {
    if (Is(dim, 0)) return 0;
    product = MultiplyDims(product, dim);
  }
  return product;
}

absl::StatusOr<PartialShape> BroadcastDims(const PartialShape& a, const PartialShape& b) {
  PartialShape result = a.size() >= b.size() ? a : b;
  const PartialShape& shorter = a.size() >= b.size() ? b : a;
  const size_t offset = result.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    Dim& dim = result[offset + i];
    const Dim& other = shorter[i];
    if (dim.Same(other) || Is(other, 1)) continue;
    if (dim.known() && other.known() && !Is(dim, 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("broadcast: expected equal dimensions or 1, got ", ToString(a), " and ", ToString(b)));
    }
    // A known dimension that is not 1 is the result, whatever the other turns out to be.
    if (dim.known() && !Is(dim, 1)) continue;
    dim = other.known() || Is(dim, 1) ? other : Dim();
  }
  return result;
}

absl::StatusOr<PartialShape> ResolveReshape(const PartialShape& input, const std::vector<Dim>& target,
                                            bool allow_zero) {
  PartialShape output = target;
  Factors from, to;
  std::vector<bool> copied(input.size());
  std::optional<size_t> unknown;
  for (size_t i = 0; i < target.size(); ++i) {
    if (Is(target[i], 0) && !allow_zero) {
      if (i >= input.size()) {
        return absl::InvalidArgumentError(
            absl::StrCat("reshape: expected a dimension ", i, " to copy, got ", ToString(input)));
      }
      copied[i] = true;
      output[i] = input[i];
      continue;
    }
    to.Multiply(target[i]);
    if (!target[i].known() && target[i].symbol().empty()) unknown = i;
  }
  for (size_t i = 0; i < input.size(); ++i) {
    if (!copied[i]) from.Multiply(input[i]);
  }
  if (!from.known || !to.known) return CountMismatch(input, output);

  Cancel(from, to);
  if (to.unknown == 1) {
    ASSIGN_OR_RETURN(output[*unknown], Quotient(from, to, input, output));
  } else if (to.unknown == 0 && from.unknown == 0 && from.symbols.empty() && to.symbols.empty()) {
    if (*from.known != *to.known) return CountMismatch(input, output);
  }
  return output;
}

absl::StatusOr<PartialShape> ResolveReshape(const PartialShape& input, const std::vector<int64_t>& target,
                                            bool allow_zero) {
  std::vector<Dim> dims;
  bool zero = false;
  int unknown = 0;
  for (const int64_t value : target) {
    if (value == 0) zero = true;
    if (value == -1) ++unknown;
    if (value < -1 || unknown > 1 || (allow_zero && zero && unknown > 0)) {
      return absl::InvalidArgumentError(absl::StrCat("reshape: expected dimensions of 0 or more and at most one -1",
                                                     allow_zero ? " and not both 0 and -1" : "", ", got [",
                                                     absl::StrJoin(target, ", "), "]"));
    }
    dims.push_back(value == -1 ? Dim() : Dim(value));
  }
  return ResolveReshape(input, dims, allow_zero);
}

}  // namespace beak
