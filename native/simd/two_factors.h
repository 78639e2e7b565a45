// Powers of two where no instruction scales by them. A part of the headers of such ISAs, which
// include it last.
#pragma once

namespace myelin {
namespace {

// 2^n for whole n in -252..254, as two factors, so that of two products only the last one can
// round.
struct PowerOfTwo {
  Vec first, second;
};
MYELIN_INLINE PowerOfTwo power_of_two(Vec n) {
  constexpr int kBias = 127, kPositive = 512;  // n is shifted as a number that is not negative
  const Int whole = round_to_int(n);
  const Int half = shift_right<1>(whole + broadcast_int(kPositive)) - broadcast_int(kPositive / 2);
  return {as_float(shift_left<23>(half + broadcast_int(kBias))),
          as_float(shift_left<23>(whole - half + broadcast_int(kBias)))};
}
// a * 2^n, right where the result is denormal or overflows.
MYELIN_INLINE Vec scale(Vec a, PowerOfTwo p) { return a * p.first * p.second; }
// a * 2^n + c
MYELIN_INLINE Vec scale_add(Vec a, PowerOfTwo p, Vec c) { return fma(a * p.first, p.second, c); }

}  // namespace
}  // namespace myelin
