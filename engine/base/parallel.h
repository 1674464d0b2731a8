#pragma once

#include <cstdint>
#include <functional>

namespace beak {

// OpenMP is what Debian's oneDNN runs on, so kernels of ours use the same threads: the team that the calling thread
// owns. Called through libgomp's own entry points, so that clang, which would bring a second OpenMP run-time, builds it
// too.

// How many threads the calling thread's next parallel regions have, oneDNN's included. Per thread; cheap.
void SetOpenMpThreads(int threads);

// Calls body(thread) for thread = 0 .. threads-1, each on a thread of its own; the caller is thread 0. Returns when all
// have. `body` must not throw. With one thread it is a plain call.
void ParallelFor(int threads, const std::function<void(int thread)>& body);

// What of [0, n) is the `part`-th of so many: they follow each other, and their sizes differ by one at most.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};
constexpr Range PartOf(int64_t n, int64_t part, int64_t parts) { return {n * part / parts, n * (part + 1) / parts}; }

// For the first line of a main(): after a run on several threads, those of OpenMP wait for the next one for some
// milliseconds on cores that others could use, unless its library finds GOMP_SPINCOUNT in the environment when the
// process starts. So it is put there, and the process starts again, with these arguments. Whoever has set that, or
// OMP_WAIT_POLICY, knows better; then, and where it cannot be done, it returns.
void LimitSpinning(char** argv);

}  // namespace beak
