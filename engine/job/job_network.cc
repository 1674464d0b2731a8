#include "engine/job/job_network.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/formats/beak/layer_order.h"
#include "engine/formats/beak/network_reader.h"
#include "engine/formats/format.h"
#include "engine/job/described_training.h"
#include "engine/job/graph_parameters.h"
#include "engine/job/imported_graph.h"
#include "engine/job/network_head.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

constexpr size_t kMaxNamesTold = 8;

// Where a network comes from, opened.
struct NetworkFiles {
  const v1::NetworkSource& source;
  const JobFolder& folder;
  const std::string& served_file;

  bool described() const { return source.has_description() || source.has_description_file(); }
  // The field of the job, for errors.
  const char* field() const {
    return source.has_description()        ? "network.description"
           : source.has_description_file() ? "network.description_file"
           : source.has_onnx_file()        ? "network.onnx_file"
                                           : "network.served";
  }
};

absl::StatusOr<DescribedNetwork> ReadDescribed(const NetworkFiles& files) {
  if (files.source.has_description()) return BuildNetwork(files.source.description());
  ASSIGN_OR_RETURN(const std::string path, ResolvePath(files.folder, files.source.description_file()));
  return ReadNetworkFile(path);
}

absl::StatusOr<Graph> ReadImported(const NetworkFiles& files) {
  std::string path = files.served_file;
  if (files.source.has_onnx_file()) {
    ASSIGN_OR_RETURN(path, ResolvePath(files.folder, files.source.onnx_file()));
  }
  if (path.empty()) return absl::InvalidArgumentError("expected a server that serves the model, there is none");
  ASSIGN_OR_RETURN(Graph graph, ReadModelFile(path));
  RETURN_IF_ERROR(Annotate(MakeTrainable(graph), absl::StrCat("'", path, "'")));
  return graph;
}

// ---------------------------------------------------------------- frozen parameters

std::string SomeNames(const std::vector<Parameter>& parameters) {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) {
    if (names.size() < kMaxNamesTold) names.push_back(network_format::Quoted(parameter.name));
  }
  if (names.size() < parameters.size()) names.push_back("...");
  return absl::StrJoin(names, ", ");
}

// The parameters that the patterns fit.
absl::StatusOr<std::set<std::string>> FindFrozen(const v1::NetworkSource& source, const Graph& graph) {
  const std::vector<Parameter> parameters = FindParameters(graph);
  std::set<std::string> frozen;
  std::vector<std::string> wrong;
  for (int i = 0; i < source.frozen_size(); ++i) {
    bool fits = false;
    for (const Parameter& parameter : parameters) {
      if (!FitsPattern(source.frozen(i), parameter.name)) continue;
      fits = true;
      frozen.insert(parameter.name);
    }
    if (fits) continue;
    wrong.push_back(absl::StrCat("network.frozen[", i, "]: expected a pattern that fits a parameter, got ",
                                 network_format::Quoted(source.frozen(i)), "; there are ", SomeNames(parameters)));
  }
  if (wrong.empty()) return frozen;
  return absl::InvalidArgumentError(absl::StrJoin(wrong, "\n"));
}

absl::Status CheckSomethingIsTrained(const JobNetwork& network) {
  const std::set<std::string>& frozen = network.options.training.frozen;
  const std::vector<Parameter> parameters = FindParameters(network.graph);
  const auto trained = [&frozen](const Parameter& parameter) { return frozen.count(parameter.name) == 0; };
  if (std::any_of(parameters.begin(), parameters.end(), trained)) return absl::OkStatus();
  return absl::InvalidArgumentError("network: expected parameters that are trained, got none");
}

// ---------------------------------------------------------------- the two kinds

absl::StatusOr<JobNetwork> MakeDescribed(const NetworkFiles& files, uint64_t seed) {
  absl::StatusOr<DescribedNetwork> described = ReadDescribed(files);
  if (!described.ok()) return Annotate(described.status(), files.field());
  RETURN_IF_ERROR(Annotate(InitializeParameters(seed, *described), files.field()));
  JobNetwork network;
  TakeDescribedOptions(*described, network.options);
  network.graph = std::move(described->graph);
  return network;
}

absl::StatusOr<std::set<std::string>> MakeHead(const v1::Head& head, int64_t units, uint64_t seed, Graph& graph) {
  const int64_t wanted = head.units() > 0 ? head.units() : units;
  if (wanted <= 0) {
    return absl::InvalidArgumentError(
        "network.head.units: expected a number, for the data has not one field of classes that would tell it");
  }
  absl::StatusOr<std::set<std::string>> fresh = ReplaceHead(wanted, seed, graph);
  return fresh.ok() ? std::move(fresh) : Annotate(fresh.status(), "network.head");
}

absl::StatusOr<JobNetwork> MakeImported(const NetworkFiles& files, int64_t units, uint64_t seed) {
  absl::StatusOr<Graph> graph = ReadImported(files);
  if (!graph.ok()) return Annotate(graph.status(), files.field());
  JobNetwork network;
  network.graph = *std::move(graph);
  std::set<std::string>& frozen = network.options.training.frozen;
  ASSIGN_OR_RETURN(frozen, FindFrozen(files.source, network.graph));
  frozen.merge(FindInputConstants(network.graph));
  if (files.source.reinitialize()) RETURN_IF_ERROR(Reinitialize(seed, frozen, network.graph));
  if (files.source.has_head()) {
    ASSIGN_OR_RETURN(const std::set<std::string> fresh, MakeHead(files.source.head(), units, seed, network.graph));
    for (const std::string& name : fresh) frozen.erase(name);
  }
  return network;
}

}  // namespace

absl::StatusOr<JobNetwork> ReadJobNetwork(const v1::NetworkSource& source, const JobFolder& folder,
                                          const std::string& served_file, int64_t units, uint64_t seed) {
  const NetworkFiles files = {source, folder, served_file};
  ASSIGN_OR_RETURN(JobNetwork network,
                   files.described() ? MakeDescribed(files, seed) : MakeImported(files, units, seed));
  RETURN_IF_ERROR(CheckSomethingIsTrained(network));
  RETURN_IF_ERROR(Annotate(PutActivationsLast(network.graph), "network"));
  return network;
}

absl::StatusOr<Graph> ReadJobGraph(const v1::NetworkSource& source, const JobFolder& folder,
                                   const std::string& served_file) {
  const NetworkFiles files = {source, folder, served_file};
  if (!files.described()) {
    absl::StatusOr<Graph> graph = ReadImported(files);
    return graph.ok() ? std::move(graph) : Annotate(graph.status(), files.field());
  }
  absl::StatusOr<DescribedNetwork> described = ReadDescribed(files);
  if (!described.ok()) return Annotate(described.status(), files.field());
  return std::move(described->graph);
}

}  // namespace beak
