#include "engine/io/npy.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/io/bools.h"

namespace beak {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are copied as they are");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeaderBytes = 65536;  // NumPy itself refuses more than 10000 unless told to trust the file
constexpr size_t kAlignment = 64;          // of the data within the file

struct TypeCode {
  const char* code;
  DType dtype;
};
constexpr TypeCode kTypeCodes[] = {
    {"|b1", DType::kBool},  {"|u1", DType::kUint8},   {"|i1", DType::kInt8},    {"<u2", DType::kUint16},
    {"<i2", DType::kInt16}, {"<u4", DType::kUint32},  {"<i4", DType::kInt32},   {"<u8", DType::kUint64},
    {"<i8", DType::kInt64}, {"<f2", DType::kFloat16}, {"<f4", DType::kFloat32}, {"<f8", DType::kFloat64},
};

absl::Status Bad(const std::string& what) { return absl::InvalidArgumentError(absl::StrCat("npy: ", what)); }

// What the header, a Python dictionary, says.
struct Header {
  std::optional<DType> dtype;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

// Reads the subset of Python literals that NumPy writes.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  absl::StatusOr<Header> Parse() {
    Header header;
    if (!Take('{')) return Bad("header: expected a dictionary");
    while (!Take('}')) {
      RETURN_IF_ERROR(ParseEntry(header));
      if (Take(',')) continue;
      if (!Take('}')) return Bad("header: expected ',' or '}' after an entry");
      break;
    }
    SkipSpace();
    if (!text_.empty()) return Bad("header: expected nothing after the dictionary");
    if (!header.dtype || !header.fortran_order || !header.shape) {
      return Bad("header: expected the keys 'descr', 'fortran_order' and 'shape'");
    }
    return header;
  }

 private:
  absl::Status ParseEntry(Header& header) {
    ASSIGN_OR_RETURN(const std::string key, ParseString());
    if (!Take(':')) return Bad("header: expected ':' after a key");
    if (key == "descr" && !header.dtype) {
      ASSIGN_OR_RETURN(header.dtype, ParseDescr());
    } else if (key == "fortran_order" && !header.fortran_order) {
      ASSIGN_OR_RETURN(header.fortran_order, ParseBool());
    } else if (key == "shape" && !header.shape) {
      ASSIGN_OR_RETURN(header.shape, ParseShape());
    } else {
      return Bad("header: expected each of 'descr', 'fortran_order' and 'shape' once and nothing else");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<DType> ParseDescr() {
    SkipSpace();
    if (!text_.empty() && text_[0] == '[') return Bad("descr: expected a plain type, got a structured one");
    ASSIGN_OR_RETURN(const std::string descr, ParseString());
    if (absl::StartsWith(descr, ">")) return Bad("descr: expected little-endian elements, got big-endian ones");
    for (const TypeCode& row : kTypeCodes) {
      if (descr == row.code) return row.dtype;
    }
    return Bad("descr: expected one of b1, u1, i1, u2, i2, u4, i4, u8, i8, f2, f4, f8, got another");
  }

  absl::StatusOr<bool> ParseBool() {
    if (TakeWord("True")) return true;
    if (TakeWord("False")) return false;
    return Bad("fortran_order: expected True or False");
  }

  // (), (3,), (2, 3), (2, 3,)
  absl::StatusOr<Shape> ParseShape() {
    Shape shape;
    if (!Take('(')) return Bad("shape: expected a tuple");
    while (!Take(')')) {
      if (shape.size() >= static_cast<size_t>(limits::kMaxRank)) {
        return Bad(absl::StrCat("shape: expected at most ", limits::kMaxRank, " dimensions"));
      }
      ASSIGN_OR_RETURN(shape.emplace_back(), ParseSize());
      if (Take(',')) continue;
      if (!Take(')')) return Bad("shape: expected ',' or ')' after a dimension");
      break;
    }
    return shape;
  }

  absl::StatusOr<int64_t> ParseSize() {
    SkipSpace();
    const size_t digits = std::min(text_.find_first_not_of("0123456789"), text_.size());
    int64_t size = 0;
    if (!absl::SimpleAtoi(absl::string_view(text_.data(), digits), &size)) {
      return Bad("shape: expected a whole number that fits 64 bits");
    }
    text_.remove_prefix(digits);
    return size;
  }

  absl::StatusOr<std::string> ParseString() {
    SkipSpace();
    const char quote = text_.empty() ? '\0' : text_[0];
    if (quote != '\'' && quote != '"') return Bad("header: expected a string");
    const size_t end = text_.find(quote, 1);
    if (end == std::string_view::npos) return Bad("header: expected the end of a string");
    std::string value(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return value;
  }

  bool Take(char c) {
    SkipSpace();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (text_.substr(0, word.size()) != word) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  void SkipSpace() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size())); }

  std::string_view text_;
};

// Splits off the header's text and leaves the data in `bytes`.
absl::StatusOr<std::string_view> TakeHeader(std::string_view& bytes) {
  if (bytes.substr(0, kMagic.size()) != kMagic) return Bad("expected a .npy file, got something else");
  bytes.remove_prefix(kMagic.size());
  if (bytes.size() < 2) return Bad("expected a header, got the end of the file");
  const int major = static_cast<unsigned char>(bytes[0]);
  bytes.remove_prefix(2);
  if (major < 1 || major > 3) return Bad(absl::StrCat("expected format version 1, 2 or 3, got ", major));
  const size_t length_bytes = major == 1 ? 2 : 4;
  if (bytes.size() < length_bytes) return Bad("expected a header, got the end of the file");
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i) length |= size_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  bytes.remove_prefix(length_bytes);
  if (length > kMaxHeaderBytes) {
    return Bad(absl::StrCat("expected a header of at most ", kMaxHeaderBytes, " bytes, got ", length));
  }
  if (length > bytes.size()) return Bad(absl::StrCat("expected ", length, " bytes of header, got ", bytes.size()));
  const std::string_view header = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return header;
}

// `from` holds the elements of `to` with the first index running fastest.
void CopyFortranOrder(const char* from, Tensor& to) {
  const size_t size = SizeOf(to.dtype());
  const Shape strides = Strides(to.shape());
  Shape index(to.shape().size(), 0);
  char* out = reinterpret_cast<char*>(to.mutable_bytes());
  const int64_t count = to.num_elements();
  int64_t place = 0;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(out + place * static_cast<int64_t>(size), from + i * static_cast<int64_t>(size), size);
    for (size_t axis = 0; axis < index.size(); ++axis) {
      place += strides[axis];
      if (++index[axis] < to.shape()[axis]) break;
      place -= strides[axis] * to.shape()[axis];
      index[axis] = 0;
    }
  }
}

const char* TypeCodeOf(DType dtype) {
  const auto* row = std::find_if(std::begin(kTypeCodes), std::end(kTypeCodes),
                                 [dtype](const TypeCode& candidate) { return candidate.dtype == dtype; });
  return row->code;
}

}  // namespace

absl::StatusOr<Tensor> ParseNpy(std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string_view text, TakeHeader(bytes));
  ASSIGN_OR_RETURN(const Header header, HeaderParser(text).Parse());
  const absl::StatusOr<int64_t> size = CheckedByteSize(*header.shape, *header.dtype);
  if (!size.ok()) return Annotate(size.status(), "npy");
  // Before anything is allocated: a small file cannot ask for much memory.
  if (static_cast<uint64_t>(*size) != bytes.size()) {
    return Bad(absl::StrCat("expected ", *size, " bytes of data for shape ", ToString(*header.shape), " of ",
                            NameOf(*header.dtype), ", got ", bytes.size()));
  }
  if (*header.dtype == DType::kBool) RETURN_IF_ERROR(Annotate(CheckBools(bytes), "npy"));
  ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(*header.dtype, *header.shape));
  if (bytes.empty()) return tensor;
  if (*header.fortran_order) {
    CopyFortranOrder(bytes.data(), tensor);
  } else {
    std::memcpy(tensor.mutable_bytes(), bytes.data(), bytes.size());
  }
  return tensor;
}

std::string FormatNpy(const Tensor& tensor) {
  const Shape& shape = tensor.shape();
  std::string header = absl::StrCat("{'descr': '", TypeCodeOf(tensor.dtype()), "', 'fortran_order': False, 'shape': (",
                                    absl::StrJoin(shape, ", "), shape.size() == 1 ? ",), }" : "), }");
  // Spaces and a line end fill up to the alignment of the data; a rank within our limit always fits version 1.
  const size_t start = kMagic.size() + 4;
  const size_t padded = (start + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  header.append(padded - start - header.size() - 1, ' ');
  header.push_back('\n');

  std::string file(kMagic);
  file.append({'\1', '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)});
  file.append(header);
  if (tensor.byte_size() > 0) file.append(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
  return file;
}

}  // namespace beak
