#include "engine/base/parallel.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

extern "C" {
void omp_set_num_threads(int threads);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
void GOMP_parallel(void (*fn)(void*), void* data, unsigned num_threads, unsigned flags);
}

namespace beak {
namespace {

struct Region {
  const std::function<void(int)>* body;
  int threads;
};

// The team may be smaller than asked for (a thread limit): each member then takes several indices.
void RunRegion(void* data) {
  const Region& region = *static_cast<const Region*>(data);
  const int team = omp_get_num_threads();
  for (int i = omp_get_thread_num(); i < region.threads; i += team) (*region.body)(i);
}

}  // namespace

void SetOpenMpThreads(int threads) { omp_set_num_threads(threads); }

void ParallelFor(int threads, const std::function<void(int thread)>& body) {
  if (threads <= 1) {
    body(0);
    return;
  }
  Region region{&body, threads};
  GOMP_parallel(RunRegion, &region, static_cast<unsigned>(threads), 0);
}

void LimitSpinning(char** argv) {
  constexpr char kSpinCount[] = "GOMP_SPINCOUNT";
  if (std::getenv(kSpinCount) != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error || setenv(kSpinCount, "1000", 1) != 0) return;
  execv(program.c_str(), argv);  // returns only where that cannot be done
}

}  // namespace beak
