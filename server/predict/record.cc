#include "server/predict/record.h"

namespace beak {

void RecordRequest(const ModelVersion& version, const RequestObservation& observation, RequestObservation* observed) {
  version.observer().RecordRequest(observation);
  if (observed != nullptr) *observed = observation;
}

}  // namespace beak
