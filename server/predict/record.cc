#include "server/predict/record.h"

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "server/observe/trace.h"

namespace beak {

void RecordRequest(const ModelVersion& version, const RequestObservation& observation,
                   const std::optional<TraceContext>& trace, RequestObservation* observed) {
  version.observer().RecordRequest(observation);
  if (observed != nullptr) *observed = observation;
  if (trace) LogRequest(version.model(), absl::StrCat(version.version()), observation, *trace);
}

void LogRequest(const std::string& model, const std::string& version, const RequestObservation& observation,
                const TraceContext& trace) {
  if (!IsLogged(LogLevel::kDebug)) return;
  Log(LogLevel::kDebug, "request",
      {{"model", model.substr(0, kMaxTraceText)},
       {"version", version.substr(0, kMaxTraceText)},
       {"outcome", absl::StatusCodeToString(observation.outcome)},
       {"refusal", observation.refusal != nullptr ? observation.refusal : ""},
       {"seconds", Seconds(observation.answered - observation.received)},
       {"trace", trace.TraceIdText()}});
}

}  // namespace beak
