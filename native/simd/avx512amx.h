// AVX-512 with AMX: eight registers of up to 16 rows of 16 words (tiles), and a unit that
// multiplies them. Tiles are named by literals, which some compilers paste into an instruction's
// text.
#pragma once
#include "avx512bf16.h"

namespace myelin {
namespace {

constexpr int kTileSide = 16;

// What the program has stored is in memory, `from` on above all, before tiles are loaded and after
// they were stored: not all compilers know what these instructions read.
MYELIN_INLINE void order_memory([[maybe_unused]] const void* from) {
#if defined(_MSC_VER) && !defined(__clang__)
  _ReadWriteBarrier();
#else
  __asm__ __volatile__("" : : "r"(from) : "memory");
#endif
}

// Of unsigned halves of words.
MYELIN_INLINE Int max_halves(Int a, Int b) { return {_mm512_max_epu16(a.v, b.v)}; }
// The upper halves of words: even's become the lower ones.
MYELIN_INLINE Int pair_upper(Int even, Int odd) {
  constexpr __mmask64 kLower = 0x3333333333333333;
  const __m512i upper = _mm512_set4_epi32(0x0f0e0f0e, 0x0b0a0b0a, 0x07060706, 0x03020302);
  return {_mm512_mask_shuffle_epi8(odd.v, kLower, even.v, upper)};
}

struct TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};

// Tiles 0 to 3, sums, and 4 and 5, rows of a, become `rows` high, 6 and 7 whole; until they are
// released, and the sooner the better: who switches threads saves 8 KiB for each that has tiles.
// No object of which the destructor does it: this unit would then have a symbol of C++'s own that
// others have too.
MYELIN_INLINE void set_up_tiles(int64_t rows) {
  TileConfig config = {};
  config.palette = 1;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = kTileSide * 4;
    config.rows[tile] = static_cast<uint8_t>(tile < 6 ? rows : kTileSide);
  }
  order_memory(&config);
  _tile_loadconfig(&config);
}
MYELIN_INLINE void release_tiles() { _tile_release(); }

}  // namespace
}  // namespace myelin
