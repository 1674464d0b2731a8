#include "proto/wire/datatype.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace beak::wire {
namespace {

// In the order of the enumeration's numbers, which start at 1.
constexpr DatatypeInfo kDatatypes[] = {
    {Datatype::kBool, "BOOL", 1, ContentsField::kBool},       {Datatype::kUint8, "UINT8", 1, ContentsField::kUint},
    {Datatype::kUint16, "UINT16", 2, ContentsField::kUint},   {Datatype::kUint32, "UINT32", 4, ContentsField::kUint},
    {Datatype::kUint64, "UINT64", 8, ContentsField::kUint64}, {Datatype::kInt8, "INT8", 1, ContentsField::kInt},
    {Datatype::kInt16, "INT16", 2, ContentsField::kInt},      {Datatype::kInt32, "INT32", 4, ContentsField::kInt},
    {Datatype::kInt64, "INT64", 8, ContentsField::kInt64},    {Datatype::kFp16, "FP16", 2, ContentsField::kNone},
    {Datatype::kFp32, "FP32", 4, ContentsField::kFp32},       {Datatype::kFp64, "FP64", 8, ContentsField::kFp64},
    {Datatype::kBytes, "BYTES", 0, ContentsField::kBytes},    {Datatype::kBf16, "BF16", 2, ContentsField::kNone},
};

constexpr bool TableIsInOrder() {
  int number = 1;
  for (const DatatypeInfo& info : kDatatypes) {
    if (static_cast<int>(info.datatype) != number++) return false;
  }
  return true;
}
static_assert(TableIsInOrder());

std::string Names() {
  return absl::StrJoin(kDatatypes, " ",
                       [](std::string* out, const DatatypeInfo& info) { absl::StrAppend(out, info.name); });
}

}  // namespace

absl::Span<const DatatypeInfo> AllDatatypes() { return kDatatypes; }

const DatatypeInfo& Describe(Datatype datatype) { return kDatatypes[static_cast<int>(datatype) - 1]; }

absl::StatusOr<Datatype> ParseDatatype(std::string_view name) {
  for (const DatatypeInfo& info : kDatatypes) {
    if (name == info.name) return info.datatype;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("datatype: expected one of ", Names(), ", got '", absl::string_view(name.data(), name.size()), "'"));
}

absl::StatusOr<Datatype> DatatypeFromConfig(int data_type) {
  if (data_type >= 1 && data_type <= static_cast<int>(std::size(kDatatypes))) return static_cast<Datatype>(data_type);
  return absl::InvalidArgumentError(absl::StrCat("data_type: expected a type of tensor elements, got ", data_type));
}

}  // namespace beak::wire
