#include "server/http/message_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>

namespace beak {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Json = nlohmann::ordered_json;

Json MessageValue(const Message& message);

// Of a field, or of one element of a repeated one.
Json Value(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
  const FieldDescriptor* const f = &field;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return repeated ? reflection.GetRepeatedInt32(message, f, index) : reflection.GetInt32(message, f);
    case FieldDescriptor::CPPTYPE_INT64:
      return repeated ? reflection.GetRepeatedInt64(message, f, index) : reflection.GetInt64(message, f);
    case FieldDescriptor::CPPTYPE_UINT32:
      return repeated ? reflection.GetRepeatedUInt32(message, f, index) : reflection.GetUInt32(message, f);
    case FieldDescriptor::CPPTYPE_UINT64:
      return repeated ? reflection.GetRepeatedUInt64(message, f, index) : reflection.GetUInt64(message, f);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return repeated ? reflection.GetRepeatedDouble(message, f, index) : reflection.GetDouble(message, f);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return repeated ? reflection.GetRepeatedFloat(message, f, index) : reflection.GetFloat(message, f);
    case FieldDescriptor::CPPTYPE_BOOL:
      return repeated ? reflection.GetRepeatedBool(message, f, index) : reflection.GetBool(message, f);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = repeated ? reflection.GetRepeatedEnum(message, f, index) : reflection.GetEnum(message, f);
      return value->name();
    }
    case FieldDescriptor::CPPTYPE_STRING:
      return repeated ? reflection.GetRepeatedString(message, f, index) : reflection.GetString(message, f);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageValue(repeated ? reflection.GetRepeatedMessage(message, f, index)
                                   : reflection.GetMessage(message, f));
  }
  return nullptr;
}

std::string KeyText(const Json& key) { return key.is_string() ? key.get<std::string>() : key.dump(); }

Json RepeatedValue(const Message& message, const FieldDescriptor& field) {
  const int size = message.GetReflection()->FieldSize(message, &field);
  if (!field.is_map()) {
    Json array = Json::array();
    for (int i = 0; i < size; ++i) array.push_back(Value(message, field, i));
    return array;
  }
  Json object = Json::object();
  for (int i = 0; i < size; ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &field, i);
    object[KeyText(Value(entry, *field.message_type()->map_key(), 0))] =
        Value(entry, *field.message_type()->map_value(), 0);
  }
  return object;
}

Json MessageValue(const Message& message) {
  Json object = Json::object();
  const auto& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.is_repeated()) {
      object[field.name()] = RepeatedValue(message, field);
    } else if (!field.has_presence() || message.GetReflection()->HasField(message, &field)) {
      object[field.name()] = Value(message, field, 0);
    }
  }
  return object;
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string ToJson(const Message& message) { return Dump(MessageValue(message)); }

std::string ToJsonArray(const Message& message, const std::string& field) {
  return Dump(RepeatedValue(message, *message.GetDescriptor()->FindFieldByName(field)));
}

}  // namespace beak
