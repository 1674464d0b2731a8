#include "proto/wire/tensor_codec.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/inference/open_inference.pb.h"

namespace beak::wire {
namespace {

static_assert(std::endian::native == std::endian::little, "raw contents are little-endian and used in place");

constexpr size_t kLengthBytes = sizeof(uint32_t);

const char* FieldName(ContentsField field) {
  constexpr const char* kNames[] = {"no contents",    "bool_contents", "int_contents",
                                    "int64_contents", "uint_contents", "uint64_contents",
                                    "fp32_contents",  "fp64_contents", "bytes_contents"};
  return kNames[static_cast<int>(field)];
}

std::string ShapeText(absl::Span<const int64_t> shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

absl::Status Prefixed(absl::string_view place, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(place, ": ", status.message()));
}

// What the shape promises, against what the message holds.
absl::Status SizeMismatch(const TensorView& tensor, int64_t expected, size_t got, absl::string_view unit) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", expected, " ", unit, " for shape ",
                                                 ShapeText(tensor.shape), " of ", Describe(tensor.datatype).name,
                                                 ", got ", got));
}

absl::Status BadElement(int64_t index, Datatype datatype, absl::string_view value) {
  return absl::InvalidArgumentError(
      absl::StrCat("element ", index, ": expected a value of ", Describe(datatype).name, ", got ", value));
}

// Calls visit(index, element) for each length-prefixed element; checks that there are exactly `count`.
template <typename Visit>
absl::Status WalkBytes(std::string_view contents, int64_t count, Visit visit) {
  size_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    const size_t left = contents.size() - offset;
    uint32_t length = 0;
    if (left < kLengthBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("element ", i, " of ", count, ": expected a length of 4 bytes, got ", left));
    }
    std::memcpy(&length, contents.data() + offset, kLengthBytes);
    if (length > left - kLengthBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("element ", i, " of ", count, ": expected ", length, " bytes, got ", left - kLengthBytes));
    }
    visit(contents.substr(offset + kLengthBytes, length));
    offset += kLengthBytes + length;
  }
  if (offset == contents.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", offset, " bytes for ", count, " elements, got ", contents.size()));
}

char* AppendElement(std::string_view element, char* out) {
  const auto length = static_cast<uint32_t>(element.size());
  std::memcpy(out, &length, kLengthBytes);
  return std::copy(element.begin(), element.end(), out + kLengthBytes);
}

// ---------------------------------------------------------------- raw contents

absl::Status CheckBools(std::string_view bytes) {
  const auto bad = std::find_if(bytes.begin(), bytes.end(), [](unsigned char byte) { return byte > 1; });
  if (bad == bytes.end()) return absl::OkStatus();
  return BadElement(bad - bytes.begin(), Datatype::kBool, absl::StrCat(static_cast<unsigned char>(*bad)));
}

absl::Status ViewRaw(const std::string& raw, int64_t count, TensorView* tensor) {
  tensor->bytes = raw;
  if (tensor->datatype == Datatype::kBytes) return WalkBytes(raw, count, [](std::string_view) {});
  const auto size = static_cast<int64_t>(Describe(tensor->datatype).byte_size);
  if (count > std::numeric_limits<int64_t>::max() / size) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a tensor that can be addressed, got shape ", ShapeText(tensor->shape)));
  }
  if (raw.size() != static_cast<uint64_t>(count * size))
    return SizeMismatch(*tensor, count * size, raw.size(), "bytes");
  return tensor->datatype == Datatype::kBool ? CheckBools(raw) : absl::OkStatus();
}

// ---------------------------------------------------------------- typed contents

struct FilledField {
  ContentsField field = ContentsField::kNone;
  size_t elements = 0;
};

std::vector<FilledField> FilledFields(const inference::InferTensorContents& contents) {
  const FilledField all[] = {
      {ContentsField::kBool, static_cast<size_t>(contents.bool_contents_size())},
      {ContentsField::kInt, static_cast<size_t>(contents.int_contents_size())},
      {ContentsField::kInt64, static_cast<size_t>(contents.int64_contents_size())},
      {ContentsField::kUint, static_cast<size_t>(contents.uint_contents_size())},
      {ContentsField::kUint64, static_cast<size_t>(contents.uint64_contents_size())},
      {ContentsField::kFp32, static_cast<size_t>(contents.fp32_contents_size())},
      {ContentsField::kFp64, static_cast<size_t>(contents.fp64_contents_size())},
      {ContentsField::kBytes, static_cast<size_t>(contents.bytes_contents_size())},
  };
  std::vector<FilledField> filled;
  std::copy_if(std::begin(all), std::end(all), std::back_inserter(filled),
               [](const FilledField& field) { return field.elements > 0; });
  return filled;
}

template <typename T>
void ViewField(const google::protobuf::RepeatedField<T>& field, TensorView* tensor) {
  tensor->bytes = std::string_view(reinterpret_cast<const char*>(field.data()), field.size() * sizeof(T));
}

// The protocol carries 8 and 16 bit integers in 32 bit fields.
template <typename Narrow, typename Wide>
absl::Status NarrowField(const google::protobuf::RepeatedField<Wide>& field, TensorView* tensor) {
  const size_t bytes = field.size() * sizeof(Narrow);
  tensor->storage = std::make_unique<char[]>(bytes);
  for (int i = 0; i < field.size(); ++i) {
    const auto narrow = static_cast<Narrow>(field[i]);
    if (narrow != field[i]) return BadElement(i, tensor->datatype, absl::StrCat(field[i]));
    std::memcpy(tensor->storage.get() + i * sizeof(Narrow), &narrow, sizeof(Narrow));
  }
  tensor->bytes = std::string_view(tensor->storage.get(), bytes);
  return absl::OkStatus();
}

void PackBytes(const google::protobuf::RepeatedPtrField<std::string>& field, TensorView* tensor) {
  size_t bytes = 0;
  for (const std::string& element : field) bytes += kLengthBytes + element.size();
  tensor->storage = std::make_unique<char[]>(bytes);
  char* out = tensor->storage.get();
  for (const std::string& element : field) out = AppendElement(element, out);
  tensor->bytes = std::string_view(tensor->storage.get(), bytes);
}

// Elements of the datatype's own field, whose number has been checked.
absl::Status ReadTyped(const inference::InferTensorContents& contents, TensorView* tensor) {
  switch (tensor->datatype) {
    case Datatype::kInt8:
      return NarrowField<int8_t>(contents.int_contents(), tensor);
    case Datatype::kInt16:
      return NarrowField<int16_t>(contents.int_contents(), tensor);
    case Datatype::kUint8:
      return NarrowField<uint8_t>(contents.uint_contents(), tensor);
    case Datatype::kUint16:
      return NarrowField<uint16_t>(contents.uint_contents(), tensor);
    case Datatype::kBool:
      ViewField(contents.bool_contents(), tensor);
      break;
    case Datatype::kInt32:
      ViewField(contents.int_contents(), tensor);
      break;
    case Datatype::kInt64:
      ViewField(contents.int64_contents(), tensor);
      break;
    case Datatype::kUint32:
      ViewField(contents.uint_contents(), tensor);
      break;
    case Datatype::kUint64:
      ViewField(contents.uint64_contents(), tensor);
      break;
    case Datatype::kFp32:
      ViewField(contents.fp32_contents(), tensor);
      break;
    case Datatype::kFp64:
      ViewField(contents.fp64_contents(), tensor);
      break;
    case Datatype::kBytes:
      PackBytes(contents.bytes_contents(), tensor);
      break;
    case Datatype::kFp16:
    case Datatype::kBf16:
      break;  // No field carries them: only an empty tensor comes here.
  }
  return absl::OkStatus();
}

absl::Status ViewTyped(const inference::InferTensorContents& contents, int64_t count, TensorView* tensor) {
  const DatatypeInfo& info = Describe(tensor->datatype);
  size_t elements = 0;
  for (const FilledField& filled : FilledFields(contents)) {
    if (filled.field != info.field) {
      const char* expected = info.field == ContentsField::kNone ? "raw contents" : FieldName(info.field);
      return absl::InvalidArgumentError(
          absl::StrCat("expected ", expected, " for ", info.name, ", got ", FieldName(filled.field)));
    }
    elements = filled.elements;
  }
  if (elements != static_cast<uint64_t>(count)) return SizeMismatch(*tensor, count, elements, "elements");
  return ReadTyped(contents, tensor);
}

// ---------------------------------------------------------------- whole messages

// `raw` is null where the message has no raw contents.
template <typename WireTensor>
absl::StatusOr<TensorView> DecodeTensor(const WireTensor& wire, const std::string* raw) {
  if (wire.parameters().contains("shared_memory_region")) {
    return absl::UnimplementedError("expected contents in the message, got a shared_memory_region");
  }
  absl::StatusOr<Datatype> datatype = ParseDatatype(wire.datatype());
  if (!datatype.ok()) return datatype.status();
  absl::StatusOr<int64_t> count = ElementCount(wire.shape());
  if (!count.ok()) return count.status();
  TensorView tensor{*datatype, {wire.shape().begin(), wire.shape().end()}, {}, nullptr};
  absl::Status status;
  if (raw == nullptr) {
    status = ViewTyped(wire.contents(), *count, &tensor);
  } else if (!FilledFields(wire.contents()).empty()) {
    status = absl::InvalidArgumentError("expected contents either typed or raw, got both");
  } else {
    status = ViewRaw(*raw, *count, &tensor);
  }
  if (!status.ok()) return status;
  return tensor;
}

template <typename WireTensors, typename RawContents>
absl::StatusOr<std::vector<TensorView>> DecodeTensors(absl::string_view kind, const WireTensors& tensors,
                                                      const RawContents& raw) {
  if (!raw.empty() && raw.size() != tensors.size()) {
    return absl::InvalidArgumentError(absl::StrCat("raw_", kind, "_contents: expected ", tensors.size(),
                                                   " entries, one for each ", kind, ", got ", raw.size()));
  }
  std::vector<TensorView> views;
  views.reserve(tensors.size());
  for (int i = 0; i < tensors.size(); ++i) {
    absl::StatusOr<TensorView> view = DecodeTensor(tensors[i], raw.empty() ? nullptr : &raw[i]);
    if (!view.ok()) return Prefixed(absl::StrCat(kind, " '", tensors[i].name(), "'"), view.status());
    views.push_back(*std::move(view));
  }
  return views;
}

template <typename WireTensor>
void SetHeader(std::string_view name, Datatype datatype, absl::Span<const int64_t> shape, WireTensor* tensor) {
  tensor->set_name(name.data(), name.size());
  tensor->set_datatype(Describe(datatype).name);
  tensor->mutable_shape()->Assign(shape.begin(), shape.end());
}

}  // namespace

absl::StatusOr<int64_t> ElementCount(absl::Span<const int64_t> shape) {
  if (shape.size() > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat("shape: expected at most ", kMaxRank, " dimensions, got ", shape.size()));
  }
  int64_t count = 1;
  bool overflow = false;
  for (int64_t dim : shape) {
    if (dim < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape: expected dimensions of 0 or more, got ", ShapeText(shape)));
    }
    overflow = overflow || __builtin_mul_overflow(count, dim, &count);
  }
  if (!overflow) return count;
  return absl::InvalidArgumentError(absl::StrCat("shape: expected fewer than 2^63 elements, got ", ShapeText(shape)));
}

absl::StatusOr<std::vector<TensorView>> DecodeInputs(const inference::ModelInferRequest& request) {
  return DecodeTensors("input", request.inputs(), request.raw_input_contents());
}

absl::StatusOr<std::vector<TensorView>> DecodeOutputs(const inference::ModelInferResponse& response) {
  auto views = DecodeTensors("output", response.outputs(), response.raw_output_contents());
  if (!views.ok()) return absl::InternalError(absl::StrCat("response: ", views.status().message()));
  return views;
}

std::string* AddInput(std::string_view name, Datatype datatype, absl::Span<const int64_t> shape,
                      inference::ModelInferRequest* request) {
  SetHeader(name, datatype, shape, request->add_inputs());
  return request->add_raw_input_contents();
}

std::string* AddOutput(std::string_view name, Datatype datatype, absl::Span<const int64_t> shape,
                       inference::ModelInferResponse* response) {
  SetHeader(name, datatype, shape, response->add_outputs());
  return response->add_raw_output_contents();
}

absl::StatusOr<std::string> EncodeBytes(absl::Span<const std::string> elements) {
  size_t bytes = 0;
  for (const std::string& element : elements) {
    if (element.size() > std::numeric_limits<uint32_t>::max()) {
      return absl::InvalidArgumentError(
          absl::StrCat("BYTES element: expected less than 4 GiB, got ", element.size(), " bytes"));
    }
    bytes += kLengthBytes + element.size();
  }
  std::string contents(bytes, '\0');
  char* out = contents.data();
  for (const std::string& element : elements) out = AppendElement(element, out);
  return contents;
}

absl::StatusOr<std::vector<std::string_view>> DecodeBytes(std::string_view contents, int64_t count) {
  std::vector<std::string_view> elements;
  absl::Status status = WalkBytes(contents, count, [&](std::string_view element) { elements.push_back(element); });
  if (!status.ok()) return status;
  return elements;
}

}  // namespace beak::wire
