#include "cache_sizes.h"

#include "support.h"

namespace myelin::test {
namespace {

TEST_CASE("sizes of caches are believable, and asked for once") {
  const CacheSizes& sizes = cache_sizes();
  CHECK(sizes.l1 >= 8 << 10);
  CHECK(sizes.l2 > sizes.l1);
  CHECK(sizes.l2 <= 64 << 20);
  CHECK(&cache_sizes() == &sizes);
}

}  // namespace
}  // namespace myelin::test
