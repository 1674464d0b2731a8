#include "engine/formats/beak/layer_order.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <set>
#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/beak/v1/network.pb.h"

namespace beak::network_format {
namespace {

constexpr int kUnknown = -1;
constexpr size_t kMaxName = 200;
constexpr size_t kMaxCircle = 8;  // names of a circle that are printed

bool IsName(const std::string& name) {
  const auto legal = [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-'; };
  return !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), legal);
}

class Orderer {
 public:
  Orderer(const v1::Network& network, std::vector<std::string>& errors)
      : network_(network), num_inputs_(network.input_size()), errors_(errors) {}

  LayerOrder Order() {
    for (int i = 0; i < num_inputs_; ++i) AddName(network_.input(i).name(), "input", i);
    for (int i = 0; i < network_.layer_size(); ++i) AddName(network_.layer(i).name(), "layer", num_inputs_ + i);
    for (int i = 0; i < network_.layer_size(); ++i) order_.sources.push_back(SourcesOf(i));
    FindSequence();
    FindOutputs();
    CheckAllUsed();
    return std::move(order_);
  }

 private:
  std::string PlaceOf(int layer) const { return absl::StrCat("layer ", Quoted(network_.layer(layer).name()), ": "); }

  void AddName(const std::string& name, const char* what, int number) {
    if (!IsName(name)) {
      errors_.push_back(absl::StrCat(what, " ", Quoted(name), ": name: expected 1 to ", kMaxName,
                                     " letters, digits, '_', '.' or '-'"));
    } else if (!numbers_.emplace(name, number).second) {
      errors_.push_back(absl::StrCat(what, " ", Quoted(name), ": name: expected a new one, got one that is taken"));
    }
  }

  int Find(const std::string& name) const {
    const auto it = numbers_.find(name);
    return it == numbers_.end() ? kUnknown : it->second;
  }

  std::vector<int> SourcesOf(int layer) {
    const auto& names = network_.layer(layer).input();
    if (names.empty() && layer > 0) return {num_inputs_ + layer - 1};
    if (names.empty() && num_inputs_ == 1) return {0};
    if (names.empty()) errors_.push_back(absl::StrCat(PlaceOf(layer), "input: expected the name of one, got none"));
    std::vector<int> sources;
    for (const std::string& name : names) {
      sources.push_back(Find(name));
      if (sources.back() != kUnknown) continue;
      errors_.push_back(absl::StrCat(PlaceOf(layer), "input: expected an input or a layer, got ", Quoted(name)));
    }
    if (sources.empty()) sources.push_back(kUnknown);
    return sources;
  }

  // Kahn's algorithm; of the layers that are ready the first of the text goes first.
  void FindSequence() {
    const int count = network_.layer_size();
    std::vector<int> waiting_for(count, 0);
    std::vector<std::vector<int>> readers(count);
    for (int i = 0; i < count; ++i) {
      for (const int source : order_.sources[i]) {
        if (source < num_inputs_) continue;
        readers[source - num_inputs_].push_back(i);
        ++waiting_for[i];
      }
    }
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    for (int i = 0; i < count; ++i) {
      if (waiting_for[i] == 0) ready.push(i);
    }
    while (!ready.empty()) {
      const int layer = ready.top();
      ready.pop();
      order_.sequence.push_back(layer);
      for (const int reader : readers[layer]) {
        if (--waiting_for[reader] == 0) ready.push(reader);
      }
    }
    if (static_cast<int>(order_.sequence.size()) < count) ReportCircle(waiting_for);
  }

  // From any layer that waits for ever, back along those that do until one comes again.
  void ReportCircle(const std::vector<int>& waiting_for) {
    const auto waits = [&](int number) { return number >= num_inputs_ && waiting_for[number - num_inputs_] > 0; };
    int layer = 0;
    while (waiting_for[layer] == 0) ++layer;
    std::vector<int> path;
    std::vector<bool> seen(waiting_for.size());
    while (!seen[layer]) {
      seen[layer] = true;
      path.push_back(layer);
      const std::vector<int>& sources = order_.sources[layer];
      layer = *std::find_if(sources.begin(), sources.end(), waits) - num_inputs_;
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), layer));
    std::string names = Quoted(network_.layer(layer).name());
    for (size_t i = 1; i < path.size() && i < kMaxCircle; ++i) {
      absl::StrAppend(&names, " <- ", Quoted(network_.layer(path[i]).name()));
    }
    if (path.size() > kMaxCircle) absl::StrAppend(&names, " <- ...");
    absl::StrAppend(&names, " <- ", Quoted(network_.layer(layer).name()));
    errors_.push_back(absl::StrCat(PlaceOf(layer), "input: expected no circle, got ", names));
  }

  void FindOutputs() {
    if (network_.output().empty()) order_.outputs.push_back(num_inputs_ + network_.layer_size() - 1);
    std::set<std::string> seen;
    for (const std::string& name : network_.output()) {
      const int number = Find(name);
      if (number < num_inputs_ || !seen.insert(name).second) {
        errors_.push_back(absl::StrCat("output: expected names of layers, each once, got ", Quoted(name)));
      } else {
        order_.outputs.push_back(number);
      }
    }
  }

  // A layer whose result nobody wants is a slip of the pen, and would have parameters that never learn.
  void CheckAllUsed() {
    if (!errors_.empty()) return;  // names that are wrong leave others unused
    std::vector<bool> used(num_inputs_ + network_.layer_size());
    for (const int number : order_.outputs) used[number] = true;
    for (auto it = order_.sequence.rbegin(); it != order_.sequence.rend(); ++it) {
      if (!used[num_inputs_ + *it]) {
        errors_.push_back(absl::StrCat(PlaceOf(*it), "expected to lead to an output, nothing uses it"));
      }
      for (const int source : order_.sources[*it]) used[source] = true;
    }
    for (int i = 0; i < num_inputs_; ++i) {
      if (used[i]) continue;
      errors_.push_back(
          absl::StrCat("input ", Quoted(network_.input(i).name()), ": expected to lead to an output, nothing uses it"));
    }
  }

  const v1::Network& network_;
  const int num_inputs_;
  std::vector<std::string>& errors_;
  std::unordered_map<std::string, int> numbers_;
  LayerOrder order_;
};

}  // namespace

std::string Quoted(const std::string& name) {
  const bool whole = name.size() <= kMaxName;
  return absl::StrCat("'", absl::CHexEscape(name.substr(0, kMaxName)), whole ? "'" : "...'");
}

LayerOrder OrderLayers(const v1::Network& network, std::vector<std::string>& errors) {
  return Orderer(network, errors).Order();
}

}  // namespace beak::network_format
