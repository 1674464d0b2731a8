#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace beak {

// A message as the REST protocol writes it: fields by the names of the .proto file, whole numbers as numbers (not as
// texts, which is protobuf's own JSON), enumerations by name, bytes as text, all fields that have a value whatever it
// is; those of a oneof, and single messages, only where they are set.
std::string ToJson(const google::protobuf::Message& message);

// The same of one repeated field of messages, as an array.
std::string ToJsonArray(const google::protobuf::Message& message, const std::string& field);

}  // namespace beak
