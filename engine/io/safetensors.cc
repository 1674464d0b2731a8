#include "engine/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/io/bools.h"

namespace beak {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are copied as they are");

using Json = nlohmann::ordered_json;

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr size_t kMaxDepth = 8;
constexpr size_t kAlignment = 8;  // of the data within the file
constexpr const char* kMetadata = "__metadata__";

struct TypeName {
  const char* name;
  DType dtype;
};
constexpr TypeName kTypeNames[] = {
    {"BOOL", DType::kBool}, {"U8", DType::kUint8},    {"I8", DType::kInt8},     {"U16", DType::kUint16},
    {"I16", DType::kInt16}, {"U32", DType::kUint32},  {"I32", DType::kInt32},   {"U64", DType::kUint64},
    {"I64", DType::kInt64}, {"F16", DType::kFloat16}, {"F32", DType::kFloat32}, {"F64", DType::kFloat64},
};

absl::Status Bad(const std::string& what) { return absl::InvalidArgumentError(absl::StrCat("safetensors: ", what)); }

// One entry of the header.
struct Entry {
  std::string name;
  DType dtype;
  Shape shape;
  uint64_t begin, end;  // in the data
};

absl::StatusOr<DType> TypeOf(const Json& json) {
  if (json.is_string()) {
    for (const TypeName& row : kTypeNames) {
      if (json.get_ref<const std::string&>() == row.name) return row.dtype;
    }
  }
  return Bad(absl::StrCat("dtype: expected an element type of the engine, got ", json.dump().substr(0, 64)));
}

absl::StatusOr<uint64_t> SizeOf(const Json& json, const char* what) {
  if (json.is_number_unsigned()) return json.get<uint64_t>();
  return Bad(absl::StrCat(what, ": expected whole numbers of 0 and more"));
}

absl::StatusOr<Shape> ShapeOf(const Json& json) {
  if (!json.is_array() || json.size() > static_cast<size_t>(limits::kMaxRank)) {
    return Bad(absl::StrCat("shape: expected a list of at most ", limits::kMaxRank, " sizes"));
  }
  Shape shape;
  for (const Json& dim : json) {
    ASSIGN_OR_RETURN(const uint64_t size, SizeOf(dim, "shape"));
    if (size > static_cast<uint64_t>(limits::kMaxTensorBytes)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("safetensors: shape: expected at most ", limits::kMaxTensorBytes, " elements, got ", size));
    }
    shape.push_back(static_cast<int64_t>(size));
  }
  return shape;
}

absl::StatusOr<Entry> EntryOf(const std::string& name, const Json& json) {
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets")) {
    return Bad("expected dtype, shape and data_offsets, and nothing else");
  }
  Entry entry{name, DType::kFloat32, {}, 0, 0};
  ASSIGN_OR_RETURN(entry.dtype, TypeOf(json["dtype"]));
  ASSIGN_OR_RETURN(entry.shape, ShapeOf(json["shape"]));
  const Json& offsets = json["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2) return Bad("data_offsets: expected two numbers");
  ASSIGN_OR_RETURN(entry.begin, SizeOf(offsets[0], "data_offsets"));
  ASSIGN_OR_RETURN(entry.end, SizeOf(offsets[1], "data_offsets"));
  ASSIGN_OR_RETURN(const int64_t bytes, CheckedByteSize(entry.shape, entry.dtype));
  if (entry.begin <= entry.end && entry.end - entry.begin == static_cast<uint64_t>(bytes)) return entry;
  return Bad(absl::StrCat("data_offsets: expected ", bytes, " bytes for shape ", ToString(entry.shape), ", got ",
                          entry.begin, " to ", entry.end));
}

// A JSON object whose keys are all different; nlohmann's parser itself keeps the last of several.
absl::StatusOr<Json> ParseHeader(std::string_view text) {
  if (text.empty() || text[0] != '{') return Bad("header: expected a JSON object");
  bool twice = false, deep = false;
  std::vector<std::vector<std::string>> keys;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    deep = deep || static_cast<size_t>(depth) > kMaxDepth;
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) {
      std::sort(keys.back().begin(), keys.back().end());
      twice = twice || std::adjacent_find(keys.back().begin(), keys.back().end()) != keys.back().end();
      keys.pop_back();
    }
    if (event == Json::parse_event_t::key) keys.back().push_back(parsed.get<std::string>());
    return !deep;
  };
  Json json = Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (deep || json.is_discarded() || !json.is_object()) return Bad("header: expected a JSON object");
  if (twice) return Bad("header: expected each name once");
  return json;
}

absl::Status TakeMetadata(const Json& json, SafeTensors& contents) {
  if (!json.is_object()) return Bad("metadata: expected an object of strings");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) return Bad("metadata: expected an object of strings");
    contents.metadata[key] = value.get<std::string>();
  }
  return absl::OkStatus();
}

// Together they are all of the data, without gaps.
absl::Status CheckContiguous(std::vector<Entry>& entries, uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end) return Bad(absl::StrCat("tensor '", entry.name, "': expected to begin at ", end));
    end = entry.end;
  }
  if (end == data_bytes) return absl::OkStatus();
  return Bad(absl::StrCat("expected ", end, " bytes behind the header, got ", data_bytes));
}

absl::StatusOr<Tensor> TensorOf(const Entry& entry, std::string_view data) {
  const std::string_view own = data.substr(entry.begin, entry.end - entry.begin);
  if (entry.dtype == DType::kBool) RETURN_IF_ERROR(Annotate(CheckBools(own), "safetensors"));
  ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(entry.dtype, entry.shape));
  if (!own.empty()) std::memcpy(tensor.mutable_bytes(), own.data(), own.size());
  return tensor;
}

}  // namespace

absl::StatusOr<SafeTensors> ParseSafeTensors(std::string_view bytes) {
  if (bytes.size() < kLengthBytes) return Bad(absl::StrCat("expected 8 bytes and more, got ", bytes.size()));
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  bytes.remove_prefix(kLengthBytes);
  if (length > kMaxHeaderBytes || length > bytes.size()) {
    return Bad(absl::StrCat("header: expected at most ", std::min<uint64_t>(kMaxHeaderBytes, bytes.size()),
                            " bytes, got ", length));
  }
  ASSIGN_OR_RETURN(const Json header, ParseHeader(bytes.substr(0, length)));
  bytes.remove_prefix(length);
  SafeTensors contents;
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name == kMetadata) {
      RETURN_IF_ERROR(TakeMetadata(json, contents));
      continue;
    }
    absl::StatusOr<Entry> entry = EntryOf(name, json);
    if (!entry.ok()) return Annotate(entry.status(), absl::StrCat("tensor '", name.substr(0, 128), "'"));
    entries.push_back(*std::move(entry));
  }
  RETURN_IF_ERROR(CheckContiguous(entries, bytes.size()));
  for (const Entry& entry : entries) {
    absl::StatusOr<Tensor> tensor = TensorOf(entry, bytes);
    if (!tensor.ok()) return Annotate(tensor.status(), absl::StrCat("tensor '", entry.name.substr(0, 128), "'"));
    contents.tensors.emplace(entry.name, *std::move(tensor));
  }
  return contents;
}

std::vector<std::string_view> SafeTensorsPieces(const SafeTensors& contents, std::string& header) {
  Json json = Json::object();
  if (!contents.metadata.empty()) json[kMetadata] = contents.metadata;
  uint64_t end = 0;
  std::vector<std::string_view> pieces(1);
  for (const auto& [name, tensor] : contents.tensors) {
    const auto* type = std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                                    [&](const TypeName& row) { return row.dtype == tensor.dtype(); });
    const uint64_t begin = std::exchange(end, end + tensor.byte_size());
    json[name] = {{"dtype", type->name}, {"shape", tensor.shape()}, {"data_offsets", {begin, end}}};
    if (tensor.byte_size() > 0) pieces.emplace_back(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
  }
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  const uint64_t length = text.size();
  header.assign(reinterpret_cast<const char*>(&length), kLengthBytes);
  header += text;
  pieces[0] = header;
  return pieces;
}

std::string FormatSafeTensors(const SafeTensors& contents) {
  std::string header;
  std::string bytes;
  for (const std::string_view piece : SafeTensorsPieces(contents, header)) bytes += piece;
  return bytes;
}

}  // namespace beak
