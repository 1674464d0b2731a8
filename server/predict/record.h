#pragma once

#include <optional>
#include <string>

#include "server/models/model_version.h"
#include "server/observe/statistics.h"
#include "server/observe/trace_context.h"

namespace beak {

// Records what became of a request, once, before it is answered: in the metrics and statistics of its version; in
// `observed`, where that is given, for whoever has started it; and as LogRequest does where it is part of a trace.
void RecordRequest(const ModelVersion& version, const RequestObservation& observation,
                   const std::optional<TraceContext>& trace, RequestObservation* observed);

// Writes a line at debug level about a request that is part of a trace, so that it can be joined by the trace's id with
// what others did for it. Model and version may be any text that a client has sent.
void LogRequest(const std::string& model, const std::string& version, const RequestObservation& observation,
                const TraceContext& trace);

}  // namespace beak
