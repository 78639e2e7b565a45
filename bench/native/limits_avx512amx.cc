#define MYELIN_ISA_AVX512AMX
#include "limits_kernels.h"
#include "simd/avx512amx.h"

namespace myelin::bench {
namespace {

// Four sums of 16 x 16, 32 deep, as a product's microkernel has them.
float run_tiles(int64_t rounds) {
  set_up_tiles(kTileSide);
  float sums[kTileSide * kTileSide] = {};
  order_memory(sums);
  _tile_loadd(4, sums, kTileSide * 4);
  _tile_loadd(5, sums, kTileSide * 4);
  _tile_loadd(6, sums, kTileSide * 4);
  _tile_loadd(7, sums, kTileSide * 4);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t i = 0; i < rounds; i++) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums, kTileSide * 4);
  order_memory(sums);
  release_tiles();
  return sums[0];
}

constexpr int64_t kOperations = int64_t{4} * 2 * kTileSide * kTileSide * 2 * kTileSide;

}  // namespace

const Limits kAvx512AmxLimits = {
    kIsa, 2 * kChains* kWidth, kOperations, run_fma, run_tiles, run_read, run_copy};

}  // namespace myelin::bench
