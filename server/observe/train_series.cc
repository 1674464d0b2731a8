#include "server/observe/train_series.h"

namespace beak {

class TrainSeries::Observer final : public TrainingObserver {
 public:
  Observer(std::shared_ptr<TrainSeries> series, const std::string& model) : series_(std::move(series)), model_(model) {}
  ~Observer() override { series_->Leave(model_); }

  void SetLoss(double loss) override { Set(families().train_loss, loss); }
  void SetAccuracy(double accuracy) override { Set(families().train_accuracy, accuracy); }
  void SetLearningRate(double rate) override { Set(families().train_learning_rate, rate); }
  void SetSamplesPerSecond(double rate) override { Set(families().train_samples_per_second, rate); }
  void SetStepSeconds(double seconds) override { Set(families().train_step_seconds, seconds); }

 private:
  Families& families() const { return *series_->families_; }
  void Set(Families::Gauges& family, double value) { series_->Set(model_, family, value); }

  const std::shared_ptr<TrainSeries> series_;
  const std::string model_;
};

void TrainSeries::SetJobs(const std::map<std::string, int64_t>& by_state) {
  for (const auto& [state, jobs] : by_state) {
    families_->train_jobs.Add({{"state", state}}).Set(static_cast<double>(jobs));
  }
}

void TrainSeries::SetPausedSeconds(double seconds) {
  MutexLock lock(mutex_);
  RaiseTo(families_->train_paused_seconds.Add({}), seconds);
}

std::shared_ptr<TrainingObserver> TrainSeries::Observe(const std::string& model) {
  MutexLock lock(mutex_);
  ++models_[model].observers;
  return std::make_shared<Observer>(shared_from_this(), model);
}

void TrainSeries::Set(const std::string& model, Families::Gauges& family, double value) {
  MutexLock lock(mutex_);
  prometheus::Gauge*& gauge = models_[model].gauges[&family];
  if (gauge == nullptr) gauge = &family.Add({{"model", model}});
  gauge->Set(value);
}

void TrainSeries::Leave(const std::string& model) {
  MutexLock lock(mutex_);
  const auto left = models_.find(model);
  if (--left->second.observers > 0) return;
  for (const auto& [family, gauge] : left->second.gauges) family->Remove(gauge);
  models_.erase(left);
}

}  // namespace beak
