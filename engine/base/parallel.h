#pragma once

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

}  // namespace beak
