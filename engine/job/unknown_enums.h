#pragma once

#include <string>
#include <vector>

#include "google/protobuf/message.h"

namespace beak {

// Adds a line for every enum of `message`, and of the messages in it, that is none of its values, as a newer client may
// send: "data.on_bad_sample: expected FAIL or SKIP, got 7". `place` is what the message itself is called. Pure.
void FindUnknownEnums(const google::protobuf::Message& message, const std::string& place,
                      std::vector<std::string>& lines);

}  // namespace beak
