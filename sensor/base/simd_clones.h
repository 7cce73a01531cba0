// SPANWATCH_SIMD_CLONES: compiles a function once for every processor and once for AVX2; the loader chooses. For loops
// that the compiler makes vectors of. AVX2 alone has no fused multiply-add, so both give the same bits.
#pragma once

// Which one is best is asked while the program is loaded, before ThreadSanitizer can be. clang makes no clones of what
// was declared without.
#if defined(__clang__)
#define SPANWATCH_SIMD_CLONES
#elif defined(__SANITIZE_THREAD__)
#define SPANWATCH_SIMD_CLONES gnu::optimize("O3")
#else
#define SPANWATCH_SIMD_CLONES gnu::target_clones("avx2", "default"), gnu::optimize("O3")
#endif
