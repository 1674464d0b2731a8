#include "server/http/infer_response.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "proto/wire/tensor_codec.h"
#include "server/models/datatypes.h"

namespace beak {
namespace {

// As a JSON string, quotes included; bytes that are no UTF-8 are replaced.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The shortest text that reads back as the same number. One that is no whole number's: readers that tell them apart
// would lose the sign of -0.
template <typename T>
void AppendNumber(T value, std::string* json) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(value)) return json->append("null"), void();
  }
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  json->append(text, end);
  if constexpr (std::is_floating_point_v<T>) {
    if (std::string_view(text, static_cast<size_t>(end - text)).find_first_of(".e") == std::string_view::npos)
      *json += ".0";
  }
}

// One element as JSON has it; a half arrives as its bits.
template <typename T>
void AppendElement(T value, DType dtype, std::string* json) {
  if (dtype == DType::kBool) {
    *json += value != T() ? "true" : "false";
  } else if (dtype == DType::kFloat16) {
    AppendNumber(HalfToFloat(static_cast<uint16_t>(value)), json);
  } else {
    AppendNumber(value, json);
  }
}

void AppendElements(const OutputTensor& output, std::string* json) {
  DispatchDType(*output.dtype, [&]<typename T>() {
    // Booleans are read as bytes: nobody promises that they are 0 or 1.
    using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;
    for (size_t at = 0; at + sizeof(Stored) <= output.data.size(); at += sizeof(Stored)) {
      Stored value;
      std::memcpy(&value, output.data.data() + at, sizeof value);
      if (at > 0) *json += ',';
      AppendElement(value, *output.dtype, json);
    }
  });
}

void AppendData(const OutputTensor& output, std::string* json) {
  *json += ",\"data\":[";
  if (output.dtype) {
    AppendElements(output, json);
  } else {
    absl::StrAppend(json, absl::StrJoin(output.strings, ",",
                                        [](std::string* out, const std::string& text) { out->append(Quoted(text)); }));
  }
  *json += ']';
}

absl::Status AppendOutput(const OutputTensor& output, bool binary, std::string* json, std::string* tail) {
  absl::StrAppend(json, "{\"name\":", Quoted(output.name), ",\"datatype\":\"",
                  output.dtype ? ProtocolName(*output.dtype) : "BYTES", "\",\"shape\":[",
                  absl::StrJoin(output.shape, ","), "]");
  if (!binary) {
    AppendData(output, json);
  } else {
    const size_t before = tail->size();
    if (output.dtype) {
      *tail += output.data;
    } else {
      ASSIGN_OR_RETURN(const std::string bytes, wire::EncodeBytes(output.strings));
      *tail += bytes;
    }
    absl::StrAppend(json, ",\"parameters\":{\"binary_data_size\":", tail->size() - before, "}");
  }
  *json += '}';
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HttpResponse> ToHttp(const PredictResponse& response, const InferBody& asked) {
  HttpResponse http;
  std::string& json = http.body;
  std::string tail;
  json = absl::StrCat("{\"model_name\":", Quoted(response.model), ",\"model_version\":\"", response.version, "\"");
  if (!asked.message.id().empty()) absl::StrAppend(&json, ",\"id\":", Quoted(asked.message.id()));
  json += ",\"outputs\":[";
  bool any_binary = false;
  for (size_t i = 0; i < response.outputs.size(); ++i) {
    if (i > 0) json += ',';
    any_binary |= asked.Binary(i);
    RETURN_IF_ERROR(AppendOutput(response.outputs[i], asked.Binary(i), &json, &tail));
  }
  json += "]}";
  http.content_type = "application/json";
  if (any_binary) {
    http.content_type = "application/octet-stream";
    http.headers.emplace_back("Inference-Header-Content-Length", absl::StrCat(json.size()));
    json += tail;
  }
  return http;
}

}  // namespace beak
