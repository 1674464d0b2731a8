#include "engine/simd/vectors_avx2.h"
#include "engine/simd/winograd_kernel.h"

namespace beak::simd {

void WinogradFiltersAvx2(const WinogradFilterLoop& loop, int64_t first, int64_t last) {
  WinogradLoops<Avx2>::Filters(loop, first, last);
}

void WinogradInputAvx2(const WinogradLoop& loop, int64_t first, int64_t last) {
  WinogradLoops<Avx2>::Input(loop, first, last);
}

void WinogradOutputAvx2(const WinogradLoop& loop, int64_t first, int64_t last, int64_t first_filter,
                        int64_t last_filter) {
  WinogradLoops<Avx2>::Output(loop, first, last, first_filter, last_filter);
}

}  // namespace beak::simd
