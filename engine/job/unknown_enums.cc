#include "engine/job/unknown_enums.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"

namespace beak {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string ValuesOf(const EnumDescriptor& type) {
  std::string text;
  for (int i = 0; i < type.value_count(); ++i) {
    const char* const between = i == 0 ? "" : i + 1 == type.value_count() ? " or " : ", ";
    absl::StrAppend(&text, between, std::string(type.value(i)->name()));
  }
  return text;
}

// Looks at one value of a field: `index` is its number where the field is repeated, else -1.
void LookAt(const Message& message, const FieldDescriptor& field, int index, const std::string& place,
            std::vector<std::string>& lines) {
  const google::protobuf::Reflection& access = *message.GetReflection();
  const bool repeated = index >= 0;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    FindUnknownEnums(repeated ? access.GetRepeatedMessage(message, &field, index) : access.GetMessage(message, &field),
                     place, lines);
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    const int value =
        repeated ? access.GetRepeatedEnumValue(message, &field, index) : access.GetEnumValue(message, &field);
    if (field.enum_type()->FindValueByNumber(value) != nullptr) return;
    lines.push_back(absl::StrCat(place, ": expected ", ValuesOf(*field.enum_type()), ", got ", value));
  }
}

}  // namespace

void FindUnknownEnums(const Message& message, const std::string& place, std::vector<std::string>& lines) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* const field : fields) {
    const std::string name = absl::StrCat(place, ".", std::string(field->name()));
    if (!field->is_repeated()) {
      LookAt(message, *field, -1, name, lines);
      continue;
    }
    const int size = message.GetReflection()->FieldSize(message, field);
    for (int i = 0; i < size; ++i) LookAt(message, *field, i, absl::StrCat(name, "[", i, "]"), lines);
  }
}

}  // namespace beak
