#include "server/observe/headroom.h"

#include <algorithm>

namespace beak {
namespace {

// Long enough for what is offered to be even, short enough for an autoscaler.
constexpr std::chrono::seconds kWindow(10);
// Scrapes more often than this are all measured against the same sample.
constexpr std::chrono::milliseconds kSpacing(500);

}  // namespace

double Headroom::Update(const Sample& now) {
  while (samples_.size() > 1 && samples_[1].time <= now.time - kWindow) samples_.pop_front();
  const Sample then = samples_.empty() ? now : samples_.front();
  if (samples_.empty() || now.time - samples_.back().time >= kSpacing) samples_.push_back(now);
  const double available = lanes_ * Seconds(now.time - then.time);
  const double used = std::max(now.offered_seconds - then.offered_seconds, now.cpu_seconds - then.cpu_seconds);
  if (available <= 0 || used <= 0) return kMax;
  return std::min(available / used, kMax);
}

}  // namespace beak
