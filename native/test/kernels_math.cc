// Accuracy of the elementary functions, through the kernels that expose them.
#include <functional>

#include "support.h"

namespace myelin::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Values apply(const KernelTable& table, const char* function, const Values& x, double alpha = 0,
             double beta = 0) {
  const int64_t n = static_cast<int64_t>(x.size());
  Call call(table, "unary");
  call.function(function).attribute(alpha).attribute(beta).input({n}, false, x).output({n}, false);
  return call.run().result();
}

// Numbers of every exponent from 2^low to 2^high, `each` of them, of both signs on request.
Values over_exponents(int low, int high, int each, bool negative) {
  Values x;
  Numbers numbers(static_cast<uint32_t>(high));
  for (int exponent = low; exponent <= high; ++exponent) {
    for (int i = 0; i < each; ++i) {
      const float value = std::ldexp(numbers.next(1, 2), exponent);
      x.push_back(value);
      if (negative) x.push_back(-value);
    }
  }
  return x;
}

// The distance to the truth in units in the last place of the truth.
double ulps(float got, long double truth) {
  if (std::isnan(got) || std::isnan(truth)) return std::isnan(got) && std::isnan(truth) ? 0 : 1e9;
  const float nearest = static_cast<float>(truth);
  if (std::isinf(nearest) || std::isinf(got)) return nearest == got ? 0 : 1e9;
  int exponent;
  std::frexp(nearest, &exponent);
  const long double unit = std::ldexp(1.0L, std::max(exponent - 24, -149));
  return static_cast<double>(std::abs(got - truth) / unit);
}

using Truth = std::function<long double(long double)>;

void check_ulps(const char* function, const Values& x, double most, const Truth& truth) {
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    CAPTURE(std::string(function));
    const Values y = apply(*table, function, x);
    double worst = 0;
    float at = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double error = ulps(y[i], truth(x[i]));
      if (error > worst) {
        worst = error;
        at = x[i];
      }
    }
    CAPTURE(at);
    CHECK(worst <= most);
  }
}

TEST_CASE("exp") {
  Values x = over_exponents(-30, 7, 400, true);
  for (float edge : {88.72f, 88.73f, -87.4f, -90.f, -103.f, -103.9f, -104.f, -200.f, 1e30f, -1e30f,
                     0.f, -0.f, kInf, -kInf, kNan}) {
    x.push_back(edge);
  }
  check_ulps("exponential", x, 2, [](long double v) { return std::exp(v); });
}

TEST_CASE("log") {
  Values x = over_exponents(-149, 127, 60, false);
  Numbers numbers;
  for (int i = 0; i < 4000; ++i) x.push_back(numbers.next(0.5f, 2));
  for (float edge : {0.f, -0.f, -1.f, 1.f, kInf, -kInf, kNan, 1e-45f, 3.4e38f}) x.push_back(edge);
  check_ulps("log", x, 2, [](long double v) { return std::log(v); });
}

TEST_CASE("sigmoid") {
  Values x = over_exponents(-30, 7, 400, true);
  for (float edge : {0.f, 200.f, -200.f, kInf, -kInf, kNan}) x.push_back(edge);
  check_ulps("sigmoid", x, 3, [](long double v) { return 1 / (1 + std::exp(-v)); });
}

TEST_CASE("tanh") {
  Values x = over_exponents(-140, 7, 150, true);
  for (float edge : {0.f, -0.f, 200.f, -200.f, kInf, -kInf, kNan, 0.625f}) x.push_back(edge);
  check_ulps("tanh", x, 4, [](long double v) { return std::tanh(v); });
}

TEST_CASE("softplus") {
  Values x = over_exponents(-30, 7, 400, true);
  for (float edge : {0.f, 200.f, -200.f, kInf, -kInf, kNan}) x.push_back(edge);
  check_ulps("softplus", x, 3, [](long double v) {
    return v > 0 ? v + std::log1p(std::exp(-v)) : std::log1p(std::exp(v));
  });
}

TEST_CASE("expm1, as elu") {
  for (const KernelTable* table : usable_tables()) {
    const Values x = over_exponents(-100, 6, 100, true);
    const Values y = apply(*table, "elu", x, 1);
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const long double v = x[i];
      worst = std::max(worst, ulps(y[i], v > 0 ? v : std::expm1(v)));
    }
    CHECK(worst <= 3);
  }
}

// The error function is 2 gelu(x) / x - 1 at sqrt(2) times its argument: where gelu is accurate
// to a few units of x, erf is to a few units of 1.
TEST_CASE("erf, as gelu") {
  Values x = over_exponents(-30, 7, 400, true);
  for (float edge : {0.f, 50.f, -50.f}) x.push_back(edge);
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    const Values y = apply(*table, "gelu", x);
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const long double v = x[i], truth = v * 0.5L * std::erfc(-v / std::sqrt(2.0L));
      const long double unit = 1.2e-7L * std::max(std::abs(v) * 0.5L, std::abs(truth));
      worst = std::max(worst, static_cast<double>(std::abs(y[i] - truth) / (unit + 1e-45L)));
    }
    CHECK(worst <= 3);
    CHECK(std::isnan(apply(*table, "gelu", {kNan})[0]));
    CHECK(apply(*table, "gelu", {kInf})[0] == kInf);
  }
}

TEST_CASE("NaN passes through every function") {
  for (const KernelTable* table : usable_tables()) {
    const char* const* names = find_kernel(*table, "unary")->functions;
    for (int i = 0; names[i]; ++i) {
      const Values y = apply(*table, names[i], Values(19, kNan), 0.5, 0.75);
      CAPTURE(std::string(table->isa));
      CAPTURE(std::string(names[i]));
      for (float value : y) CHECK(std::isnan(value));
    }
  }
}

TEST_CASE("every derivative is the slope of its function") {
  const KernelTable& table = *usable_tables().back();
  const char* const* names = find_kernel(table, "unary")->functions;
  const std::string input_savers = " gelu geluTanh silu mish square log abs clip ";
  for (int f = 0; names[f]; ++f) {
    const std::string name = names[f];
    CAPTURE(name);
    const bool positive = name == "sqrt" || name == "rsqrt" || name == "log";
    Values x;
    Numbers numbers(static_cast<uint32_t>(f));
    while (x.size() < 50) {
      const float v = positive ? numbers.next(0.5f, 2) : numbers.next(-2.5f, 2.5f);
      // Away from corners: a finite difference must not straddle one.
      bool corner = std::abs(v) < (name == "reciprocal" ? 0.3f : 0.05f);
      for (float edge : {-0.75f, 0.75f}) corner |= std::abs(v - edge) < 0.05f;
      if (!corner) x.push_back(v);
    }
    const double alpha = name == "clip" ? -0.75 : 0.75, beta = 0.75;
    const float h = 1.0f / 128;
    Values above = x, below = x;
    for (size_t i = 0; i < x.size(); ++i) above[i] += h, below[i] -= h;
    const Values y = apply(table, names[f], x, alpha, beta);
    const Values up = apply(table, names[f], above, alpha, beta);
    const Values down = apply(table, names[f], below, alpha, beta);
    const bool saves_input = input_savers.find(" " + name + " ") != std::string::npos;
    for (const KernelTable* isa : usable_tables()) {
      Call call(*isa, "unaryGrad");
      call.function(name).attribute(alpha).attribute(beta).input({50}, false, Values(50, 2));
      call.input({50}, false, saves_input ? x : y).output({50}, false);
      const Values dx = call.run().result();
      for (size_t i = 0; i < x.size(); ++i) {
        const double slope = (static_cast<double>(up[i]) - down[i]) / (2 * h);
        CHECK(dx[i] == doctest::Approx(2 * slope).epsilon(3e-3).scale(1));
      }
    }
  }
}

// A parameter of 0 becomes a quotient: minus the gradient over the root of what was accumulated.
TEST_CASE("optimizers divide to a unit in the last place, by whatever there is") {
  Values squares = over_exponents(-125, 126, 200, false);
  squares.insert(squares.end(), {0, kInf, kNan, kInf, 0});
  const int64_t n = static_cast<int64_t>(squares.size());
  Values gradients;
  Numbers numbers(9);
  // So small that their squares change no sum, and rounding none of the figures below.
  for (float square : squares) {
    const float most = square == 0 || !(square < kInf) ? 0.0f : std::sqrt(square) * 1e-5f;
    gradients.push_back(most * numbers.next(-1, 1));
  }
  gradients[gradients.size() - 2] = 1;
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    Call call(*table, "adagrad");
    call.context().learning_rate = 1;
    call.attribute(1).attribute(0).attribute(0);  // scale, decay, epsilon
    call.input({n}, false, Values(squares.size())).input({n}, false, gradients);
    call.input({n}, false, squares).output_is_input(0).output_is_input(2);
    call.run();
    const Values moved = call.result(0), sums = call.result(1);
    double worst = 0;
    for (size_t i = 0; i < squares.size(); ++i) {
      const float root = std::sqrt(sums[i]);
      const long double truth = -static_cast<long double>(gradients[i]) / root;
      // Steps below the normal numbers are zeros.
      if (std::abs(truth) < 0x1p-100L && std::abs(moved[i]) < 0x1p-100f) continue;
      worst = std::max(worst, ulps(moved[i], truth));
    }
    CHECK(worst <= 1);
  }
}

// With rates of 0 an average is its value, however large the one before was.
TEST_CASE("a moving average loses nothing of a small value beside a large slot") {
  const Values small = over_exponents(-60, -20, 3, true);
  const auto n = static_cast<int64_t>(small.size());
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    Call call(*table, "adam");
    call.attribute(1).attribute(0).attribute(0).attribute(0).attribute(1e-7);
    call.input({n}, false, Values(small.size())).input({n}, false, small);
    call.input({n}, false, Values(small.size(), 1e4f));
    call.input({n}, false, Values(small.size(), 1e4f));
    call.output_is_input(0).output_is_input(2).output_is_input(3);
    call.run();
    Values squares;
    for (float value : small) squares.push_back(value * value);
    CHECK(call.result(1) == small);
    CHECK(call.result(2) == squares);
  }
}

}  // namespace
}  // namespace myelin::test
