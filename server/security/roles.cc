#include "server/security/roles.h"

#include "absl/strings/str_cat.h"

namespace beak {
namespace {

// Who reads what models look like is who uses them or who runs them. A job's life may be looked at and ended by who
// runs the server, too; only trainers start one. Open is what probes and load balancers ask, and what is published
// anyway.
constexpr MethodRule kRules[] = {
    {"/grpc.health.v1.Health/Check", kOpen},
    {"/grpc.health.v1.Health/Watch", kOpen},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kOpen},
    {"/livez", kOpen},
    {"/readyz", kOpen},
    {"/metrics", kMetrics | kAdmin},

    {"/inference.GRPCInferenceService/ServerLive", kOpen},
    {"/inference.GRPCInferenceService/ServerReady", kOpen},
    {"/inference.GRPCInferenceService/ModelReady", kOpen},
    {"/inference.GRPCInferenceService/ModelInfer", kPredict},
    {"/inference.GRPCInferenceService/ModelStreamInfer", kPredict},
    {"/inference.GRPCInferenceService/ServerMetadata", kPredict | kAdmin},
    {"/inference.GRPCInferenceService/ModelMetadata", kPredict | kAdmin},
    {"/inference.GRPCInferenceService/ModelConfig", kPredict | kAdmin},
    {"/inference.GRPCInferenceService/ModelStatistics", kPredict | kAdmin},
    {"/inference.GRPCInferenceService/RepositoryIndex", kPredict | kAdmin},
    {"/inference.GRPCInferenceService/RepositoryModelLoad", kAdmin},
    {"/inference.GRPCInferenceService/RepositoryModelUnload", kAdmin},
    {"/inference.GRPCInferenceService/SystemSharedMemoryStatus", kAdmin},
    {"/inference.GRPCInferenceService/SystemSharedMemoryRegister", kAdmin},
    {"/inference.GRPCInferenceService/SystemSharedMemoryUnregister", kAdmin},
    {"/inference.GRPCInferenceService/CudaSharedMemoryStatus", kAdmin},
    {"/inference.GRPCInferenceService/CudaSharedMemoryRegister", kAdmin},
    {"/inference.GRPCInferenceService/CudaSharedMemoryUnregister", kAdmin},
    {"/inference.GRPCInferenceService/TraceSetting", kAdmin},
    {"/inference.GRPCInferenceService/LogSettings", kAdmin},

    {"/beak.v1.TrainService/CreateTrainJob", kTrain},
    {"/beak.v1.TrainService/GetTrainJob", kTrain | kAdmin},
    {"/beak.v1.TrainService/ListTrainJobs", kTrain | kAdmin},
    {"/beak.v1.TrainService/WatchTrainJob", kTrain | kAdmin},
    {"/beak.v1.TrainService/CancelTrainJob", kTrain | kAdmin},
    {"/beak.v1.TrainService/DeleteTrainJob", kTrain | kAdmin},
};

struct RoleName {
  std::string_view name;
  Role role;
};
constexpr RoleName kNames[] = {{"predict", kPredict}, {"admin", kAdmin}, {"train", kTrain}, {"metrics", kMetrics}};

}  // namespace

std::span<const MethodRule> MethodRules() { return kRules; }

Roles SufficientRoles(std::string_view method) {
  for (const MethodRule& rule : kRules) {
    if (rule.method == method) return rule.roles;
  }
  return kAdmin;
}

std::optional<Role> FindRole(std::string_view name) {
  for (const RoleName& row : kNames) {
    if (row.name == name) return row.role;
  }
  return std::nullopt;
}

std::string RoleNames(Roles roles) {
  std::string names;
  for (const RoleName& row : kNames) {
    if ((roles & row.role) == 0) continue;
    absl::StrAppend(&names, names.empty() ? "" : " or ", std::string(row.name));
  }
  return names.empty() ? "nothing" : names;
}

}  // namespace beak
