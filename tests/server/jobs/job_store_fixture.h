#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "server/jobs/job_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::testing {

inline v1::TrainJobSpec Spec(const std::string& model, int64_t epochs = 5) {
  v1::TrainJobSpec spec;
  spec.set_model(model);
  spec.mutable_training()->set_epochs(epochs);
  return spec;
}

class JobStoreFixture : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<JobStore>> store = JobStore::Open(dir_.path());
    ASSERT_OK(store);
    store_ = *std::move(store);
  }

  // The id of a new job.
  std::string Add(const std::string& model = "mnist") {
    const absl::StatusOr<JobStore::Created> created = store_->Create({.spec = Spec(model), .created_ms = 1000});
    EXPECT_OK(created);
    return created.ok() ? created->job.id() : "";
  }

  void Become(const std::string& id, std::initializer_list<v1::TrainJob::State> states) {
    for (const v1::TrainJob::State state : states) EXPECT_OK(store_->SetState(id, state, "", 2000));
  }

  std::string Database() const { return dir_ / "jobs/jobs.db"; }

  TempDir dir_;
  std::unique_ptr<JobStore> store_;
};

inline std::vector<std::string> Ids(const std::vector<v1::TrainJob>& jobs) {
  std::vector<std::string> ids;
  for (const v1::TrainJob& job : jobs) ids.push_back(job.id());
  return ids;
}

}  // namespace beak::testing
