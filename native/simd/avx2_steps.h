// Steps of a tile's sums with AVX2, in assembly: 21 instructions for a step of six rows, where
// compilers take 24, and more if they unroll the loop further. Two threads of one core share what
// it issues, some three instructions a cycle each, so that then a step takes as long as it has
// instructions (6 x 2 vectors, 256 deep, on Zen 3: 92 GFLOP/s instead of 84). Alone, it takes the
// six cycles of its multiply-adds.
#pragma once

#ifdef MYELIN_ASSEMBLY
#define MYELIN_STEPS_IN_ASSEMBLY

namespace myelin {
namespace {

// Where a step's factors lie; moves along with the steps. Strides are in bytes.
struct Factors {
  const float* a;
  int64_t a_stride;  // between the rows of a step, or, where these lie side by side, between steps
  const float* b;
  int64_t b_stride;    // between steps
  const float* ahead;  // fetched, a line a step, where asked for
};

// rax: a; rcx: its stride; rdx: a's fourth row, or, side by side, three strides
// r8: b; r9, r10: its stride and three of it; r11: ahead
// ymm12, ymm13: b's two vectors; ymm14: a factor of a
#define MYELIN_ROW(row, at)                \
  "vbroadcastss " at                       \
  ", %%ymm14\n\t"                          \
  "vfmadd231ps %%ymm12, %%ymm14, %[s" #row \
  "0]\n\t"                                 \
  "vfmadd231ps %%ymm13, %%ymm14, %[s" #row "1]\n\t"

#define MYELIN_ROWS_4(step)             \
  MYELIN_ROW(0, step "(%%rax)")         \
  MYELIN_ROW(1, step "(%%rax,%%rcx)")   \
  MYELIN_ROW(2, step "(%%rax,%%rcx,2)") \
  MYELIN_ROW(3, step "(%%rdx)")
#define MYELIN_ROWS_5(step) MYELIN_ROWS_4(step) MYELIN_ROW(4, step "(%%rdx,%%rcx)")
#define MYELIN_ROWS_6(step) MYELIN_ROWS_5(step) MYELIN_ROW(5, step "(%%rdx,%%rcx,2)")

#define MYELIN_SIDE_BY_SIDE_4(at) \
  MYELIN_ROW(0, at) MYELIN_ROW(1, "4" at) MYELIN_ROW(2, "8" at) MYELIN_ROW(3, "12" at)
#define MYELIN_SIDE_BY_SIDE_5(at) MYELIN_SIDE_BY_SIDE_4(at) MYELIN_ROW(4, "16" at)
#define MYELIN_SIDE_BY_SIDE_6(at) MYELIN_SIDE_BY_SIDE_5(at) MYELIN_ROW(5, "20" at)

#define MYELIN_FETCH_NOTHING(offset) ""
#define MYELIN_FETCH_AHEAD(offset) "prefetchw " offset "(%%r11)\n\t"

#define MYELIN_STEP(fetch, offset, b, rows) \
  fetch(offset) "vmovups " b ", %%ymm12\n\tvmovups 32" b ", %%ymm13\n\t" rows

#define MYELIN_STEPS(begin, fetch, first, second, third, fourth, advance)                        \
  __asm__ volatile(                                                                              \
      "mov (%[f]), %%rax\n\t"                                                                    \
      "mov 8(%[f]), %%rcx\n\t"                                                                   \
      "lea (%%rcx,%%rcx,2), %%rdx\n\t" begin                                                     \
      "mov 16(%[f]), %%r8\n\t"                                                                   \
      "mov 24(%[f]), %%r9\n\t"                                                                   \
      "lea (%%r9,%%r9,2), %%r10\n\t"                                                             \
      "mov 32(%[f]), %%r11\n\t"                                                                  \
      ".p2align 4\n"                                                                             \
      "1:\n\t" MYELIN_STEP(fetch, "", "(%%r8)", first) MYELIN_STEP(                              \
          fetch, "64", "(%%r8,%%r9)", second) MYELIN_STEP(fetch, "128", "(%%r8,%%r9,2)", third)  \
          MYELIN_STEP(fetch, "192", "(%%r8,%%r10)", fourth) advance                              \
      "lea (%%r8,%%r9,4), %%r8\n\t"                                                              \
      "add $256, %%r11\n\t"                                                                      \
      "sub $1, %[fours]\n\t"                                                                     \
      "jnz 1b\n\t"                                                                               \
      "mov %%rax, (%[f])\n\t"                                                                    \
      "mov %%r8, 16(%[f])\n\t"                                                                   \
      "mov %%r11, 32(%[f])"                                                                      \
      : [fours] "+r"(fours), [s00] "+x"(s00), [s01] "+x"(s01), [s10] "+x"(s10), [s11] "+x"(s11), \
        [s20] "+x"(s20), [s21] "+x"(s21), [s30] "+x"(s30), [s31] "+x"(s31), [s40] "+x"(s40),     \
        [s41] "+x"(s41), [s50] "+x"(s50), [s51] "+x"(s51)                                        \
      : [f] "r"(&factors)                                                                        \
      : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm12", "xmm13", "xmm14", "cc", "memory")

#define MYELIN_STEPS_OF(rows, fetch)                                                             \
  if (side_by_side) {                                                                            \
    MYELIN_STEPS("", fetch, MYELIN_SIDE_BY_SIDE_##rows("(%%rax)"),                               \
                 MYELIN_SIDE_BY_SIDE_##rows("(%%rax,%%rcx)"),                                    \
                 MYELIN_SIDE_BY_SIDE_##rows("(%%rax,%%rcx,2)"),                                  \
                 MYELIN_SIDE_BY_SIDE_##rows("(%%rax,%%rdx)"), "lea (%%rax,%%rcx,4), %%rax\n\t"); \
  } else {                                                                                       \
    MYELIN_STEPS("add %%rax, %%rdx\n\t", fetch, MYELIN_ROWS_##rows(""), MYELIN_ROWS_##rows("4"), \
                 MYELIN_ROWS_##rows("8"), MYELIN_ROWS_##rows("12"),                              \
                 "add $16, %%rax\n\tadd $16, %%rdx\n\t");                                        \
  }

// sum(i, v) += a(i) * b(v), four times `fours` steps; of none, `fours` must not be.
template <int kRows, bool kFetches>
MYELIN_INLINE void add_steps(Vec (&sum)[kRows][2], int64_t fours, bool side_by_side,
                             Factors& factors) {
  // Rows that are not there are registers that nothing changes.
  const auto at = [&](int i, int v) { return sum[i < kRows ? i : 0][v].v; };
  __m256 s00 = at(0, 0), s01 = at(0, 1), s10 = at(1, 0), s11 = at(1, 1);
  __m256 s20 = at(2, 0), s21 = at(2, 1), s30 = at(3, 0), s31 = at(3, 1);
  __m256 s40 = at(4, 0), s41 = at(4, 1), s50 = at(5, 0), s51 = at(5, 1);
  if constexpr (kRows == 4 && kFetches) {
    MYELIN_STEPS_OF(4, MYELIN_FETCH_AHEAD)
  } else if constexpr (kRows == 4) {
    MYELIN_STEPS_OF(4, MYELIN_FETCH_NOTHING)
  } else if constexpr (kRows == 5 && kFetches) {
    MYELIN_STEPS_OF(5, MYELIN_FETCH_AHEAD)
  } else if constexpr (kRows == 5) {
    MYELIN_STEPS_OF(5, MYELIN_FETCH_NOTHING)
  } else if constexpr (kFetches) {
    MYELIN_STEPS_OF(6, MYELIN_FETCH_AHEAD)
  } else {
    MYELIN_STEPS_OF(6, MYELIN_FETCH_NOTHING)
  }
  const __m256 sums[6][2] = {{s00, s01}, {s10, s11}, {s20, s21},
                             {s30, s31}, {s40, s41}, {s50, s51}};
  MYELIN_UNROLL
  for (int i = 0; i < kRows; ++i) {
    sum[i][0].v = sums[i][0];
    sum[i][1].v = sums[i][1];
  }
}

}  // namespace
}  // namespace myelin

#undef MYELIN_ROW
#undef MYELIN_ROWS_4
#undef MYELIN_ROWS_5
#undef MYELIN_ROWS_6
#undef MYELIN_SIDE_BY_SIDE_4
#undef MYELIN_SIDE_BY_SIDE_5
#undef MYELIN_SIDE_BY_SIDE_6
#undef MYELIN_FETCH_NOTHING
#undef MYELIN_FETCH_AHEAD
#undef MYELIN_STEP
#undef MYELIN_STEPS
#undef MYELIN_STEPS_OF
#endif
