#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <climits>
#include <string>
#include <vector>

#include "server/jobs/job_store.h"
#include "tests/server/jobs/job_store_fixture.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using Job = v1::TrainJob;
using ::beak::testing::Ids;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class JobListTest : public testing::JobStoreFixture {};

TEST_F(JobListTest, AListIsNewestFirstAndShort) {
  Add("a");
  const std::string id = Add("b");
  v1::TrainResult result;
  result.add_confusion(3);
  result.add_class_score();
  result.set_parameters(8);
  ASSERT_OK(store_->SetResult(id, result));
  ASSERT_OK(store_->AddEpoch(id, {}));
  ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, 10, ""));
  ASSERT_THAT(Ids(page.jobs), ElementsAre("b-000002", "a-000001"));
  EXPECT_EQ(page.next_page_token, "");
  EXPECT_EQ(page.jobs[0].epoch_size(), 0);
  EXPECT_EQ(page.jobs[0].result().confusion_size(), 0);
  EXPECT_EQ(page.jobs[0].result().class_score_size(), 0);
  EXPECT_EQ(page.jobs[0].result().parameters(), 8);
  EXPECT_FALSE(page.jobs[1].has_result());
}

TEST_F(JobListTest, AListShowsWhatTheFilterLets) {
  const std::string first = Add("a");
  Add("b");
  const std::string third = Add("a");
  Become(third, {Job::RUNNING});
  const auto list = [&](const JobFilter& filter) {
    const absl::StatusOr<JobPage> page = store_->List(filter, 10, "");
    EXPECT_OK(page);
    return page.ok() ? Ids(page->jobs) : std::vector<std::string>{"error"};
  };
  EXPECT_THAT(list({.model = "a"}), ElementsAre(third, first));
  EXPECT_THAT(list({.states = {Job::RUNNING}}), ElementsAre(third));
  EXPECT_THAT(list({.states = {Job::RUNNING, Job::QUEUED, Job::QUEUED}, .model = "a"}), ElementsAre(third, first));
  EXPECT_THAT(list({.states = {Job::SUCCEEDED}}), IsEmpty());
  EXPECT_THAT(list({.states = {static_cast<Job::State>(99)}}), IsEmpty());
  EXPECT_THAT(list({.model = "A"}), IsEmpty());
}

TEST_F(JobListTest, PagesGoOnWhereTheLastEnded) {
  for (int i = 0; i < 5; ++i) Add();
  std::vector<std::string> ids;
  std::string token;
  int pages = 0;
  do {
    ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, 2, token));
    for (const Job& job : page.jobs) ids.push_back(job.id());
    token = page.next_page_token;
  } while (++pages < 9 && !token.empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(ids, ElementsAre("mnist-000005", "mnist-000004", "mnist-000003", "mnist-000002", "mnist-000001"));
}

TEST_F(JobListTest, AFullLastPageHasNoToken) {
  for (int i = 0; i < 4; ++i) Add();
  ASSERT_OK_AND_ASSIGN(const JobPage first, store_->List({}, 2, ""));
  ASSERT_OK_AND_ASSIGN(const JobPage second, store_->List({}, 2, first.next_page_token));
  EXPECT_EQ(second.jobs.size(), 2u);
  EXPECT_EQ(second.next_page_token, "");
}

TEST_F(JobListTest, PagesMissNoneAndRepeatNoneWhileJobsComeAndGo) {
  std::vector<std::string> all;
  for (int i = 0; i < 6; ++i) all.push_back(Add());
  ASSERT_OK_AND_ASSIGN(const JobPage first, store_->List({}, 2, ""));
  EXPECT_THAT(Ids(first.jobs), ElementsAre(all[5], all[4]));
  // The job that the token points at goes, one that is still to come does, and new ones are made.
  for (const std::string& gone : {all[4], all[2]}) {
    Become(gone, {Job::CANCELLED});
    ASSERT_OK(store_->Delete(gone));
  }
  Add();
  Reopen();
  Add();
  ASSERT_OK_AND_ASSIGN(const JobPage second, store_->List({}, 2, first.next_page_token));
  EXPECT_THAT(Ids(second.jobs), ElementsAre(all[3], all[1]));
  ASSERT_OK_AND_ASSIGN(const JobPage third, store_->List({}, 2, second.next_page_token));
  EXPECT_THAT(Ids(third.jobs), ElementsAre(all[0]));
  EXPECT_EQ(third.next_page_token, "");
}

TEST_F(JobListTest, ATokenThatNoPageGaveIsRefused) {
  for (int i = 0; i < 3; ++i) Add();
  ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, 2, ""));
  std::string changed = page.next_page_token;
  changed.back() = changed.back() == '0' ? '1' : '0';
  for (const std::string& token : {changed, std::string("2"), std::string("mnist-000002"), std::string(24, '0'),
                                   std::string(24, '-'), std::string(100000, 'f'), page.next_page_token + "0"}) {
    EXPECT_THAT(store_->List({}, 2, token), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("page_token")));
  }
  EXPECT_THAT(store_->List({.model = "mnist"}, 2, page.next_page_token), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(JobListTest, PageSizesThatMakeNoSenseAreMadeToFit) {
  for (int i = 0; i < 3; ++i) Add();
  for (const int size : {0, -1, INT_MIN}) {
    ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, size, ""));
    EXPECT_EQ(page.jobs.size(), 1u);
  }
  ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, INT_MAX, ""));
  EXPECT_EQ(page.jobs.size(), 3u);
}

}  // namespace
}  // namespace beak
