#include "server/observe/audit.h"

#include <string_view>

#include "absl/status/status.h"
#include "engine/base/log.h"

namespace beak {
namespace {

// Of what a caller has written.
constexpr size_t kShownBytes = 256;

std::string Shown(std::string_view text) { return std::string(text.substr(0, kShownBytes)); }

}  // namespace

void Audit(const char* action, const char* kind, const std::string& name, const Caller& caller,
           const absl::Status& outcome) {
  LogAlways(LogLevel::kInfo, "audit",
            {{"action", action},
             {kind, Shown(name)},
             {"caller", Shown(caller.name)},
             {"peer", Shown(caller.peer)},
             {"outcome", absl::StatusCodeToString(outcome.code())},
             {"reason", Shown({outcome.message().data(), outcome.message().size()})}});
}

}  // namespace beak
