#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/base/mutex.h"

namespace beak {

// What one run of a program is expected to take.
struct Cost {
  int64_t rows = 1;  // that the program is compiled for
  int threads = 1;
  std::chrono::nanoseconds mean{0};
  std::chrono::nanoseconds high{0};   // exceeded by about two runs in a hundred
  std::chrono::nanoseconds least{0};  // what it would take on a machine with nothing else to do
};

// The costs of all programs of one network at one set of input shapes, by threads, then by rows, rising. *Immutable.*
class CostCurve {
 public:
  CostCurve() = default;
  // REQUIRES: in that order, no two alike.
  explicit CostCurve(std::vector<Cost> costs) : costs_(std::move(costs)) {}

  const std::vector<Cost>& costs() const { return costs_; }
  bool empty() const { return costs_.empty(); }

  // The program with the fewest rows that holds `rows` on so many threads; null where none does.
  const Cost* Smallest(int64_t rows, int threads) const;
  // The most rows of a program on one thread; 0 where there is none.
  int64_t max_rows() const;

 private:
  std::vector<Cost> costs_;
};

// Learns what runs cost: the first figure of each program comes from its warm-up, and every run corrects it.
// *Thread-safe.*
//
// A run is measured twice: the time that its thread has computed, which is the program's own, and the time that has
// passed, which is longer where the machine is busy with other things. By how much is shared by all programs, so that
// figures of programs that have not run for long stay comparable with those that have.
class CostTable {
 public:
  // A program is ready; a run of it computes for so long. Replaces what was known of the same rows and threads.
  void Add(int64_t rows, int threads, std::chrono::nanoseconds computed);

  // A program that has been added has run: its thread has computed for so long while so much time has passed. Unknown
  // ones are ignored.
  void Record(int64_t rows, int threads, std::chrono::nanoseconds computed, std::chrono::nanoseconds passed);

  // A run of it was stopped, for it would have taken so long, at least, that nobody could use it any more.
  void RecordStopped(int64_t rows, int threads, std::chrono::nanoseconds at_least);

  // What is known now; never null. Follows the figures in steps of some percent.
  std::shared_ptr<const CostCurve> curve() const;

 private:
  struct Program {
    int64_t rows;
    int threads;
    double computed;  // nanoseconds
    double published = 0;
  };

  // How much longer runs have taken than their mean, those on one thread or those on several: the last ones.
  struct Spread {
    std::vector<double> ratios;  // a ring
    size_t next = 0;

    Spread();
    void Add(double ratio);
    double Margin() const;  // a high quantile
  };

  Program* Find(int64_t rows, int threads) REQUIRES(mutex_);
  double Mean(const Program& program) const REQUIRES(mutex_) { return program.computed * stretch_; }
  Spread& SpreadOf(int threads) REQUIRES(mutex_) { return threads == 1 ? narrow_ : wide_; }
  void Publish() REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::vector<Program> programs_ GUARDED_BY(mutex_);  // by threads, then rows
  double stretch_ GUARDED_BY(mutex_) = 1;             // time that passes for each that is computed
  double published_stretch_ GUARDED_BY(mutex_) = 1;
  Spread narrow_ GUARDED_BY(mutex_);
  Spread wide_ GUARDED_BY(mutex_);
  int records_until_publish_ GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const CostCurve> curve_ GUARDED_BY(mutex_) = std::make_shared<const CostCurve>();
};

}  // namespace beak
