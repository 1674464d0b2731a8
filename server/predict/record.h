#pragma once

#include "server/models/model_version.h"
#include "server/observe/statistics.h"

namespace beak {

// Records what became of a request, once, before it is answered: in the metrics and statistics of its version, and in
// `observed`, where that is given, for whoever has started it.
void RecordRequest(const ModelVersion& version, const RequestObservation& observation, RequestObservation* observed);

}  // namespace beak
