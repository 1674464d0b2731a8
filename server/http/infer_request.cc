#include "server/http/infer_request.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "proto/wire/datatype.h"
#include "proto/wire/tensor_codec.h"
#include "server/http/json_elements.h"

namespace beak {
namespace {

using inference::InferParameter;
using Parameters = google::protobuf::Map<std::string, InferParameter>;

// Objects cost more memory than the bytes that describe them; no request has a tenth of these.
constexpr int kMaxTensors = 1024;
constexpr int kMaxParameters = 4096;
constexpr size_t kMaxDepth = 128;

// What a tensor's JSON says beside its place in the message.
struct InputData {
  bool given = false;
  JsonElements elements;
};

// Where in the request the reader is.
enum class At {
  kBegin,
  kRequest,
  kParameters,
  kInputs,
  kInput,
  kInputParameters,
  kShape,
  kData,
  kOutputs,
  kOutput,
  kOutputParameters,
  kUnknown,  // below a key that the protocol does not have
};

absl::Status Expected(absl::string_view what) { return absl::InvalidArgumentError(absl::StrCat("expected ", what)); }

// Takes a request from its events, so that a tree, many times as large as its text, is never built.
class RequestReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  RequestReader(InferBody* body, std::vector<InputData>* data) : body_(*body), data_(*data) {}

  const absl::Status& status() const { return status_; }

  bool null() override { return Scalar(nullptr); }
  bool boolean(bool value) override { return Scalar(value); }
  bool number_integer(int64_t value) override { return Scalar(value); }
  bool number_unsigned(uint64_t value) override { return Scalar(value); }
  bool number_float(double value, const std::string&) override { return Scalar(value); }
  bool string(std::string& value) override { return Scalar(value); }
  bool binary(nlohmann::json::binary_t&) override { return Fail(Expected("no binary value")); }

  bool key(std::string& value) override {
    key_.swap(value);
    return true;
  }
  bool start_object(size_t) override { return Enter(InsideObject()); }
  bool start_array(size_t) override { return Enter(InsideArray()); }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    return Fail(absl::InvalidArgumentError(absl::StrCat("body: expected JSON, got something else at byte ", position)));
  }

 private:
  At at() const { return places_.back(); }

  bool Fail(absl::Status status) {
    status_ = std::move(status);
    return false;
  }
  bool Leave() {
    places_.pop_back();
    return true;
  }
  bool Enter(absl::StatusOr<At> place) {
    if (!place.ok()) return Fail(Annotate(place.status(), Place()));
    if (places_.size() >= kMaxDepth) return Fail(Expected(absl::StrCat("at most ", kMaxDepth, " levels")));
    places_.push_back(*place);
    return true;
  }

  absl::StatusOr<At> InsideObject() {
    switch (at()) {
      case At::kBegin:
        return At::kRequest;
      case At::kRequest:
        if (key_ == "parameters") return At::kParameters;
        if (key_ == "inputs" || key_ == "outputs" || key_ == "id") return Expected("no object");
        return At::kUnknown;
      case At::kInputs:
        if (++tensors_ > kMaxTensors) return Expected(absl::StrCat("at most ", kMaxTensors, " tensors"));
        body_.message.add_inputs();
        data_.emplace_back();
        return At::kInput;
      case At::kOutputs:
        if (++tensors_ > kMaxTensors) return Expected(absl::StrCat("at most ", kMaxTensors, " tensors"));
        body_.message.add_outputs();
        body_.binary_output.emplace_back();
        return At::kOutput;
      case At::kInput:
        if (key_ == "parameters") return At::kInputParameters;
        if (key_ == "name" || key_ == "datatype" || key_ == "shape" || key_ == "data") return Expected("no object");
        return At::kUnknown;
      case At::kOutput:
        if (key_ == "parameters") return At::kOutputParameters;
        return key_ == "name" ? absl::StatusOr<At>(Expected("no object")) : At::kUnknown;
      case At::kUnknown:
        return At::kUnknown;
      default:
        return Expected("no object");
    }
  }
  absl::StatusOr<At> InsideArray() {
    switch (at()) {
      case At::kRequest:
        if (key_ == "inputs") return At::kInputs;
        if (key_ == "outputs") return At::kOutputs;
        return key_ == "id" || key_ == "parameters" ? absl::StatusOr<At>(Expected("no array")) : At::kUnknown;
      case At::kInput:
        if (key_ == "shape") return At::kShape;
        if (key_ == "data") {
          data_.back().given = true;
          return At::kData;
        }
        if (key_ == "name" || key_ == "datatype" || key_ == "parameters") return Expected("no array");
        return At::kUnknown;
      case At::kData:  // rows of a nested array: the shape says where they end
        return At::kData;
      case At::kOutput:
        return key_ == "name" || key_ == "parameters" ? absl::StatusOr<At>(Expected("no array")) : At::kUnknown;
      case At::kUnknown:
        return At::kUnknown;
      case At::kBegin:
        return Expected("an object, got an array");
      default:
        return Expected("no array");
    }
  }

  template <typename T>
  bool Scalar(const T& value) {
    const absl::Status status = Take(value);
    return status.ok() || Fail(Annotate(status, Place()));
  }
  template <typename T>
  absl::Status Take(const T& value) {
    switch (at()) {
      case At::kUnknown:
        return absl::OkStatus();
      case At::kRequest:
        if (key_ == "id") return TakeText(value, body_.message.mutable_id());
        return key_ == "inputs" || key_ == "outputs" ? Expected("an array") : NoObjectHere();
      case At::kInput:
        if (key_ == "name") return TakeText(value, Input().mutable_name());
        if (key_ == "datatype") return TakeText(value, Input().mutable_datatype());
        return key_ == "shape" || key_ == "data" ? Expected("an array") : NoObjectHere();
      case At::kOutput:
        return key_ == "name" ? TakeText(value, Output().mutable_name()) : NoObjectHere();
      case At::kShape:
        return TakeDimension(value);
      case At::kData:
        return TakeElement(value);
      case At::kParameters:
        return TakeParameter(value, body_.message.mutable_parameters());
      case At::kInputParameters:
        return TakeParameter(value, Input().mutable_parameters());
      case At::kOutputParameters:
        return TakeParameter(value, Output().mutable_parameters());
      case At::kBegin:
      case At::kInputs:
      case At::kOutputs:
        break;
    }
    return Expected("an object");
  }
  absl::Status NoObjectHere() const {
    return key_ == "parameters" ? Expected("an object") : absl::OkStatus();  // else a key that we do not know
  }

  template <typename T>
  absl::Status TakeText(const T& value, std::string* text) {
    if constexpr (std::is_same_v<T, std::string>) {
      *text = value;
      return absl::OkStatus();
    } else {
      return Expected("a text");
    }
  }

  template <typename T>
  absl::Status TakeDimension(const T& value) {
    if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, uint64_t>) {
      if (!std::in_range<int64_t>(value)) return Expected("dimensions of 64 bits");
      if (Input().shape_size() >= wire::kMaxRank) {
        return Expected(absl::StrCat("at most ", wire::kMaxRank, " dimensions"));
      }
      Input().add_shape(static_cast<int64_t>(value));
      return absl::OkStatus();
    } else {
      return Expected("whole numbers");
    }
  }

  absl::Status TakeElement(std::nullptr_t) { return Expected("no null among the elements"); }
  absl::Status TakeElement(bool value) { return Elements().AddBool(value); }
  absl::Status TakeElement(int64_t value) { return Elements().AddSigned(value); }
  absl::Status TakeElement(uint64_t value) { return Elements().AddUnsigned(value); }
  absl::Status TakeElement(double value) { return Elements().AddFloat(value); }
  absl::Status TakeElement(const std::string& value) { return Elements().AddText(value); }

  template <typename T>
  absl::Status TakeParameter(const T& value, Parameters* parameters) {
    if (++parameters_ > kMaxParameters) return Expected(absl::StrCat("at most ", kMaxParameters, " parameters"));
    return SetParameter(value, &(*parameters)[key_]);
  }
  static absl::Status SetParameter(std::nullptr_t, InferParameter*) { return Expected("no null"); }
  static absl::Status SetParameter(bool value, InferParameter* parameter) {
    parameter->set_bool_param(value);
    return absl::OkStatus();
  }
  static absl::Status SetParameter(int64_t value, InferParameter* parameter) {
    parameter->set_int64_param(value);
    return absl::OkStatus();
  }
  static absl::Status SetParameter(uint64_t value, InferParameter* parameter) {
    if (std::in_range<int64_t>(value)) return SetParameter(static_cast<int64_t>(value), parameter);
    parameter->set_uint64_param(value);
    return absl::OkStatus();
  }
  static absl::Status SetParameter(double value, InferParameter* parameter) {
    parameter->set_double_param(value);
    return absl::OkStatus();
  }
  static absl::Status SetParameter(const std::string& value, InferParameter* parameter) {
    parameter->set_string_param(value);
    return absl::OkStatus();
  }

  inference::ModelInferRequest::InferInputTensor& Input() {
    return *body_.message.mutable_inputs(body_.message.inputs_size() - 1);
  }
  inference::ModelInferRequest::InferRequestedOutputTensor& Output() {
    return *body_.message.mutable_outputs(body_.message.outputs_size() - 1);
  }
  JsonElements& Elements() { return data_.back().elements; }

  // For error texts: "inputs[0].shape".
  std::string Place() const {
    switch (at()) {
      case At::kBegin:
        return "body";
      case At::kRequest:
        return key_;
      case At::kParameters:
        return absl::StrCat("parameters.", key_);
      case At::kInputs:
        return "inputs";
      case At::kOutputs:
        return "outputs";
      case At::kInput:
        return absl::StrCat("inputs[", body_.message.inputs_size() - 1, "].", key_);
      case At::kInputParameters:
        return absl::StrCat("inputs[", body_.message.inputs_size() - 1, "].parameters.", key_);
      case At::kShape:
        return absl::StrCat("inputs[", body_.message.inputs_size() - 1, "].shape");
      case At::kData:
        return absl::StrCat("inputs[", body_.message.inputs_size() - 1, "].data");
      case At::kOutput:
        return absl::StrCat("outputs[", body_.message.outputs_size() - 1, "].", key_);
      case At::kOutputParameters:
        return absl::StrCat("outputs[", body_.message.outputs_size() - 1, "].parameters.", key_);
      case At::kUnknown:
        return "body";
    }
    return "";
  }

  InferBody& body_;
  std::vector<InputData>& data_;
  absl::Status status_;
  std::vector<At> places_ = {At::kBegin};
  std::string key_;
  int tensors_ = 0;
  int parameters_ = 0;
};

// Takes a parameter of the binary extension out, which nobody behind this door knows.
absl::StatusOr<std::optional<bool>> TakeFlag(const char* name, Parameters* parameters) {
  const auto found = parameters->find(name);
  if (found == parameters->end()) return std::optional<bool>();
  if (!found->second.has_bool_param()) {
    return absl::InvalidArgumentError(absl::StrCat("parameter '", name, "': expected true or false"));
  }
  const bool value = found->second.bool_param();
  parameters->erase(found);
  return std::optional<bool>(value);
}

// The elements that the JSON has, as many as the shape says.
absl::StatusOr<std::string> JsonContents(const InputData& data,
                                         const inference::ModelInferRequest::InferInputTensor& input) {
  ASSIGN_OR_RETURN(const wire::Datatype datatype, wire::ParseDatatype(input.datatype()));
  ASSIGN_OR_RETURN(const int64_t expected, wire::ElementCount(input.shape()));
  if (data.given && data.elements.count() != expected) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", expected, " elements for shape [",
                                                   absl::StrJoin(input.shape(), ", "), "] of ", input.datatype(),
                                                   ", got ", data.elements.count()));
  }
  return data.elements.ToRaw(datatype);
}

// The elements of an input: of the binary data, from the front of which they are taken, or of the JSON.
absl::StatusOr<std::string> Contents(const InputData& data, inference::ModelInferRequest::InferInputTensor* input,
                                     std::string_view* binary) {
  Parameters& parameters = *input->mutable_parameters();
  const auto size = parameters.find("binary_data_size");
  if (size == parameters.end()) {
    if (!data.given && !parameters.contains("shared_memory_region")) {
      return absl::InvalidArgumentError("expected data, or the parameter binary_data_size");
    }
    return JsonContents(data, *input);
  }
  if (data.given) return absl::InvalidArgumentError("expected data or the parameter binary_data_size, got both");
  if (!size->second.has_int64_param() || size->second.int64_param() < 0) {
    return absl::InvalidArgumentError("parameter 'binary_data_size': expected a whole number of bytes, at least 0");
  }
  const int64_t bytes = size->second.int64_param();
  if (static_cast<uint64_t>(bytes) > binary->size()) {
    return absl::InvalidArgumentError(absl::StrCat("parameter 'binary_data_size': expected at most the ",
                                                   binary->size(), " bytes that are left, got ", bytes));
  }
  parameters.erase(size);
  std::string contents(binary->substr(0, static_cast<size_t>(bytes)));
  binary->remove_prefix(static_cast<size_t>(bytes));
  return contents;
}

absl::Status TakeContents(const std::vector<InputData>& data, std::string_view binary, InferBody* body) {
  const size_t all = binary.size();
  for (size_t i = 0; i < data.size(); ++i) {
    auto& input = *body->message.mutable_inputs(static_cast<int>(i));
    absl::StatusOr<std::string> contents = Contents(data[i], &input, &binary);
    if (!contents.ok()) return Annotate(contents.status(), absl::StrCat("input '", input.name(), "'"));
    *body->message.add_raw_input_contents() = *std::move(contents);
  }
  if (binary.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("binary data: expected the ", all - binary.size(), " bytes that the inputs ask for, got ", all));
}

absl::Status TakeOutputFlags(InferBody* body) {
  ASSIGN_OR_RETURN(const std::optional<bool> all, TakeFlag("binary_data_output", body->message.mutable_parameters()));
  body->binary_outputs = all.value_or(false);
  for (int i = 0; i < body->message.outputs_size(); ++i) {
    auto& output = *body->message.mutable_outputs(i);
    const absl::StatusOr<std::optional<bool>> flag = TakeFlag("binary_data", output.mutable_parameters());
    if (!flag.ok()) return Annotate(flag.status(), absl::StrCat("output '", output.name(), "'"));
    body->binary_output[static_cast<size_t>(i)] = *flag;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InferBody> ParseInferBody(std::string_view json, std::string_view binary) {
  InferBody body;
  std::vector<InputData> data;
  RequestReader reader(&body, &data);
  // To the library a zero byte is the end.
  if (const size_t zero = json.find('\0'); zero != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("body: expected JSON, got something else at byte ", zero + 1));
  }
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) return reader.status();
  body.decoded = TakeContents(data, binary, &body);
  if (body.decoded.ok()) body.decoded = TakeOutputFlags(&body);
  return body;
}

}  // namespace beak
