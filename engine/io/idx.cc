#include "engine/io/idx.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/base/limits.h"
#include "engine/base/status.h"

namespace beak {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are stored high byte first and turned round");

absl::Status Bad(const std::string& what) { return absl::InvalidArgumentError(absl::StrCat("idx: ", what)); }

std::optional<DType> TypeOfCode(uint8_t code) {
  switch (code) {
    case 0x08:
      return DType::kUint8;
    case 0x09:
      return DType::kInt8;
    case 0x0B:
      return DType::kInt16;
    case 0x0C:
      return DType::kInt32;
    case 0x0D:
      return DType::kFloat32;
    case 0x0E:
      return DType::kFloat64;
    default:
      return std::nullopt;
  }
}

uint8_t ByteAt(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

// Big-endian; the format has it signed.
int64_t SizeAt(std::string_view bytes, size_t i) {
  return int64_t{ByteAt(bytes, i)} << 24 | ByteAt(bytes, i + 1) << 16 | ByteAt(bytes, i + 2) << 8 |
         ByteAt(bytes, i + 3);
}

void CopyBigEndian(std::string_view from, size_t size, char* to) {
  std::memcpy(to, from.data(), from.size());
  for (size_t i = 0; size > 1 && i < from.size(); i += size) std::reverse(to + i, to + i + size);
}

}  // namespace

absl::StatusOr<Tensor> ParseIdx(std::string_view bytes) {
  // Two zeros, the type, the rank.
  if (bytes.size() < 4 || bytes[0] != 0 || bytes[1] != 0) return Bad("expected an IDX file, got something else");
  const std::optional<DType> dtype = TypeOfCode(ByteAt(bytes, 2));
  if (!dtype) return Bad(absl::StrCat("type: expected one of 8, 9, 11, 12, 13, 14, got ", ByteAt(bytes, 2)));
  const size_t rank = ByteAt(bytes, 3);
  bytes.remove_prefix(4);
  if (rank < 1 || rank > static_cast<size_t>(limits::kMaxRank)) {
    return Bad(absl::StrCat("expected 1 to ", limits::kMaxRank, " dimensions, got ", rank));
  }
  if (bytes.size() < 4 * rank) return Bad("expected a header, got the end of the file");
  Shape shape;
  for (size_t i = 0; i < rank; ++i) shape.push_back(SizeAt(bytes, 4 * i));
  bytes.remove_prefix(4 * rank);
  const absl::StatusOr<int64_t> size = CheckedByteSize(shape, *dtype);
  if (!size.ok()) return Annotate(size.status(), "idx");
  if (static_cast<uint64_t>(*size) != bytes.size()) {
    return Bad(absl::StrCat("expected ", *size, " bytes of data for shape ", ToString(shape), " of ", NameOf(*dtype),
                            ", got ", bytes.size()));
  }
  ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(*dtype, std::move(shape)));
  if (!bytes.empty()) CopyBigEndian(bytes, SizeOf(*dtype), reinterpret_cast<char*>(tensor.mutable_bytes()));
  return tensor;
}

}  // namespace beak
