#include "engine/formats/beak/check_fields.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/check.h"
#include "proto/beak/v1/network.pb.h"

namespace beak::network_format {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// What a number of a description may be, by the name of its field. Every number has a row.
struct Range {
  const char* field;
  double min, max;
  bool required = false;  // of lists: at least one number
};

constexpr double kWindow = 1024;    // no real window, stride or padding is larger; products of fans stay below 2^63
constexpr double kCount = 1 << 24;  // of channels and the like
constexpr double kReal = 1e6;

constexpr Range kRanges[] = {
    {"alpha", -kReal, kReal},
    {"axis", 1, 15},
    {"block_size", 1, kWindow},
    {"depth_multiplier", 1, kWindow},
    {"dilation_rate", 1, kWindow},
    {"epsilon", 1e-30, 1},
    {"filters", 1, kCount},
    {"gain", 0, kReal},
    {"groups", 1, kCount},
    {"input_dim", 1, 1 << 30},
    {"kernel_size", 1, kWindow, true},
    {"l1", 0, kReal},
    {"l2", 0, kReal},
    {"max", -kReal, kReal},
    {"max_norm", 0, kReal},
    {"mean", -kReal, kReal},
    {"min", -kReal, kReal},
    {"momentum", 0, 1},
    {"output_dim", 1, kCount},
    {"padding", 0, kWindow},
    {"pads", 0, kWindow},
    {"pieces", 1, 64},
    {"pool_size", 1, kWindow},
    {"rate", 0, 0.9999},  // all is never dropped
    {"shared_axes", 1, 15},
    {"size", 1, kWindow},
    {"stddev", 0, kReal},
    {"strides", 1, kWindow},
    {"target_shape", -1, 1 << 30, true},
    {"units", 1, kCount},
    {"value", -kReal, kReal},
};

// A number of any of the types that descriptions have.
double NumberOf(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& get = *message.GetReflection();
  const bool list = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return list ? get.GetRepeatedInt32(message, &field, index) : get.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(list ? get.GetRepeatedInt64(message, &field, index) : get.GetInt64(message, &field));
    default:
      return get.GetFloat(message, &field);
  }
}

class FieldChecker {
 public:
  std::vector<std::string> Check(const Message& message) {
    CheckMessage(message, "");
    return std::move(errors_);
  }

 private:
  void CheckMessage(const Message& message, const std::string& place) {
    const auto& descriptor = *message.GetDescriptor();
    for (int i = 0; i < descriptor.field_count(); ++i) CheckField(message, *descriptor.field(i), place);
  }

  void CheckField(const Message& message, const FieldDescriptor& field, const std::string& place) {
    const Reflection& get = *message.GetReflection();
    if (!field.is_repeated() && field.has_presence() && !get.HasField(message, &field)) return;
    const std::string name = absl::StrCat(place, field.name());
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return CheckMessage(get.GetMessage(message, &field), absl::StrCat(name, "."));
      case FieldDescriptor::CPPTYPE_ENUM:
        return CheckEnum(field, get.GetEnumValue(message, &field), name);
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_INT64:
      case FieldDescriptor::CPPTYPE_FLOAT:
        return CheckNumbers(message, field, name);
      default:
        return;
    }
  }

  void CheckEnum(const FieldDescriptor& field, int value, const std::string& name) {
    if (field.enum_type()->FindValueByNumber(value) != nullptr) return;
    errors_.push_back(absl::StrCat(name, ": expected one of ", field.enum_type()->name(), ", got ", value));
  }

  void CheckNumbers(const Message& message, const FieldDescriptor& field, const std::string& name) {
    const auto is = [&field](const Range& range) { return field.name() == range.field; };
    const Range* range = std::find_if(std::begin(kRanges), std::end(kRanges), is);
    BEAK_CHECK(range != std::end(kRanges));
    const int count = field.is_repeated() ? message.GetReflection()->FieldSize(message, &field) : 1;
    if (count == 0 && range->required) errors_.push_back(absl::StrCat(name, ": expected a number, got none"));
    for (int i = 0; i < count; ++i) {
      const double number = NumberOf(message, field, i);
      if (number >= range->min && number <= range->max) continue;  // false for NaN
      errors_.push_back(
          absl::StrFormat("%s: expected one in [%.10g, %.10g], got %.10g", name, range->min, range->max, number));
      return;
    }
  }

  std::vector<std::string> errors_;
};

}  // namespace

std::vector<std::string> CheckFields(const v1::Layer& layer) {
  if (layer.kind_case() == v1::Layer::KIND_NOT_SET) return {"expected a kind of layer, got none"};
  const FieldDescriptor* kind = v1::Layer::descriptor()->FindFieldByNumber(layer.kind_case());
  return FieldChecker().Check(layer.GetReflection()->GetMessage(layer, kind));
}

}  // namespace beak::network_format
