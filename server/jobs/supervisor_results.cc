// What becomes of the results of jobs.

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/gate.h"
#include "server/jobs/supervisor.h"
#include "server/observe/audit.h"

namespace beak {
namespace {

// With versions that came to serve one after the other, while each was being compared with.
constexpr int kMaxComparisons = 5;

}  // namespace

absl::StatusOr<bool> Supervisor::Publish(Job& job) {
  if (parts_.clock.Now() < job.not_before) return false;
  ASSIGN_OR_RETURN(const v1::TrainJob whole, parts_.store.Get(job.id));
  int64_t serving = 0;
  if (whole.spec().publish().when() == v1::Publish::BETTER_THAN_SERVING) {
    const absl::StatusOr<ServedModels::Version> version = parts_.models.Find(job.model, 0);
    if (absl::IsUnavailable(version.status())) {
      Wait(job, std::string(version.status().message()));
      return true;
    }
    if (!version.ok() && !absl::IsNotFound(version.status())) {
      RETURN_IF_ERROR(
          ChangeState(job, v1::TrainJob::SUCCEEDED, absl::StrCat("not published: ", version.status().message())));
      return true;
    }
    if (version.ok() && version->version != job.compared_with) return Compare(job, whole, *version);
    if (version.ok()) serving = version->version;
  }
  const GateDecision gate = DecidePublish(whole.spec().publish(), whole.result(), serving);
  if (gate.publish) {
    StartPublishing(job, whole);
  } else {
    RETURN_IF_ERROR(ChangeState(job, v1::TrainJob::SUCCEEDED, absl::StrCat("not published: ", gate.reason)));
  }
  return true;
}

// One at a time, beside the jobs that train: it is short, and another job might take hours.
absl::StatusOr<bool> Supervisor::Compare(Job& job, const v1::TrainJob& whole, const ServedModels::Version& version) {
  if (job.comparisons >= kMaxComparisons) {
    RETURN_IF_ERROR(ChangeState(job, v1::TrainJob::SUCCEEDED,
                                absl::StrCat("not published: while it was compared, ", job.comparisons,
                                             " times another version came to serve")));
    return true;
  }
  for (const Job& other : jobs_) {
    if (other.process && other.process->compares_with != 0) return false;
  }
  StartProcess(job, whole.spec(), version);
  return true;
}

void Supervisor::StartPublishing(Job& job, const v1::TrainJob& whole) {
  job.publishing = true;
  Publication publication;
  publication.job = job.id;
  publication.model = job.model;
  publication.result = absl::StrCat(parts_.folders.PathOf(job.id), "/result");
  publication.time_ms = NowMs();
  parts_.worker.Do([this, publication, keep = whole.spec().publish().keep_versions()] {
    absl::StatusOr<int64_t> version = parts_.publisher.Publish(publication);
    if (version.ok()) {
      parts_.models.Published(publication.model, *version);
      const absl::StatusOr<std::vector<int64_t>> removed =
          parts_.publisher.RemoveOld(publication.model, keep, parts_.models.InUse(publication.model));
      if (!removed.ok()) LogWarning("old versions cannot be removed", {{"reason", removed.status().ToString()}});
      if (removed.ok() && !removed->empty()) {
        LogInfo("old versions removed", {{"model", publication.model}, {"versions", absl::StrJoin(*removed, " ")}});
      }
    }
    Audit("publish", "model", publication.model, {absl::StrCat("job ", publication.job), ""}, version.status());
    parts_.mailbox.Post([this, id = publication.job, version = std::move(version)] {
      if (Job* published = Find(id)) published->published = version;
    });
  });
}

absl::Status Supervisor::SettlePublication(Job& job) {
  const absl::StatusOr<int64_t>& version = *job.published;
  if (version.ok()) {
    RETURN_IF_ERROR(parts_.store.SetPublished(job.id, *version));
    LogInfo("version published", {{"job", job.id}, {"model", job.model}, {"version", *version}});
    return ChangeState(job, v1::TrainJob::SUCCEEDED, "");
  }
  const std::string reason = absl::StrCat("publish: ", version.status().message());
  const bool may_pass = absl::IsResourceExhausted(version.status()) || absl::IsUnavailable(version.status());
  if (may_pass) return TryAgain(job, {Verdict::kDied, reason});
  return ChangeState(job, v1::TrainJob::FAILED, reason);
}

}  // namespace beak
