#include "engine/simd/vectors_avx512.h"
#include "engine/simd/winograd_kernel.h"

namespace beak::simd {

void WinogradFiltersAvx512(const WinogradFilterLoop& loop, int64_t first, int64_t last) {
  WinogradLoops<Avx512>::Filters(loop, first, last);
}

void WinogradInputAvx512(const WinogradLoop& loop, int64_t first, int64_t last) {
  WinogradLoops<Avx512>::Input(loop, first, last);
}

void WinogradOutputAvx512(const WinogradLoop& loop, int64_t first, int64_t last, int64_t first_filter,
                          int64_t last_filter) {
  WinogradLoops<Avx512>::Output(loop, first, last, first_filter, last_filter);
}

}  // namespace beak::simd
