#include "training_cases.h"

namespace myelin::test {
namespace {

// What a matrix product rounds: each of k steps by half a unit, on sums of at most `magnitude`.
double tolerance(int64_t k, double magnitude) {
  return 6e-8 * static_cast<double>(k + 2) * (magnitude + 1e-3);
}

struct Sizes {
  int64_t m, n, k;
};

// c[m, n] = start + sum of a(i, k) b(k, j), in double, with the sum of magnitudes.
template <class A, class B>
void compare(const Values& c, Sizes s, A a, B b, const Values& bias) {
  int64_t wrong = 0;
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      double sum = bias.empty() ? 0 : bias[static_cast<size_t>(j)], magnitude = std::abs(sum);
      for (int64_t k = 0; k < s.k; ++k) {
        const double term = static_cast<double>(a(i, k)) * b(k, j);
        sum += term;
        magnitude += std::abs(term);
      }
      const double got = c[static_cast<size_t>(i * s.n + j)];
      wrong += !(std::abs(got - sum) <= tolerance(s.k, magnitude));
    }
  }
  CHECK(wrong == 0);
}

Values forward(const KernelTable& table, Sizes s, const Values& x, const Values& w,
               const Values& bias, int64_t parts, const char* function = "linear") {
  Call call(table, "linear", s.m);
  call.function(function).attribute(0.5).attribute(0);
  call.input({s.k}, true, x).input({s.k, s.n}, false, w);
  if (!bias.empty()) call.input({s.n}, false, bias);
  return call.output({s.n}, true).run(parts).result();
}

Values grad_input(const KernelTable& table, Sizes s, const Values& dz, const Values& w,
                  int64_t parts) {
  Call call(table, "linearGradInput", s.m);
  call.function("linear").attribute(0).attribute(0);
  call.input({s.n}, true, dz).input({s.k, s.n}, false, w).output({s.k}, true);
  return call.run(parts).result();
}

Values grad_kernel(const KernelTable& table, Sizes s, const Values& x, const Values& dz,
                   int64_t parts) {
  Call call(table, "linearGradKernel", s.m);
  call.attribute(0).input({s.k}, true, x).input({s.n}, true, dz).output({s.k, s.n}, false);
  return call.run(parts).result();
}

void check_all(const KernelTable& table, Sizes s, bool parts_too) {
  CAPTURE(std::string(table.isa));
  CAPTURE(s.m);
  CAPTURE(s.n);
  CAPTURE(s.k);
  Numbers numbers(static_cast<uint32_t>(s.m * 10007 + s.n * 101 + s.k));
  const Values x = numbers.list(s.m * s.k), w = numbers.list(s.k * s.n);
  const Values dz = numbers.list(s.m * s.n), bias = numbers.list(s.n);
  auto at_x = [&](int64_t i, int64_t k) { return x[static_cast<size_t>(i * s.k + k)]; };
  auto at_w = [&](int64_t k, int64_t j) { return w[static_cast<size_t>(k * s.n + j)]; };
  auto at_dz = [&](int64_t i, int64_t j) { return dz[static_cast<size_t>(i * s.n + j)]; };

  const Values y = forward(table, s, x, w, bias, 1);
  compare(y, s, at_x, at_w, bias);
  const Values dx = grad_input(table, s, dz, w, 1);
  compare(dx, {s.m, s.k, s.n}, at_dz, [&](int64_t j, int64_t k) { return at_w(k, j); }, {});
  const Values dw = grad_kernel(table, s, x, dz, 1);
  compare(dw, {s.k, s.n, s.m}, [&](int64_t k, int64_t i) { return at_x(i, k); }, at_dz, {});
  if (!parts_too) return;
  for (int64_t parts = 2; parts <= 4; ++parts) {
    CHECK(same_bits(forward(table, s, x, w, bias, parts), y));
    CHECK(same_bits(grad_input(table, s, dz, w, parts), dx));
    CHECK(same_bits(grad_kernel(table, s, x, dz, parts), dw));
  }
}

TEST_CASE("linear and its gradients agree with a plain product at every size of tile") {
  const int64_t sizes[] = {1, 2, 3, 5, 8, 9, 15, 16, 17, 31, 33, 64, 65, 70};
  for (const KernelTable* table : usable_tables()) {
    int index = 0;
    for (int64_t m : sizes) {
      for (int64_t n : sizes) {
        for (int64_t k : sizes) check_all(*table, {m, n, k}, index++ % 7 == 0);
      }
    }
  }
}

TEST_CASE("every number of rows and columns near a tile's edge") {
  for (const KernelTable* table : usable_tables()) {
    for (int64_t m = 1; m <= 34; ++m) {
      for (int64_t n : {1, 4, 6, 7, 10, 18, 32, 34, 63}) check_all(*table, {m, n, 7}, m % 5 == 0);
    }
  }
}

TEST_CASE("large products, in blocks and packed") {
  for (const KernelTable* table : usable_tables()) {
    if (table->vector_width == 1) continue;
    check_all(*table, {131, 390, 530}, true);
    check_all(*table, {300, 271, 400}, true);
    check_all(*table, {40, 70, 9000}, false);
  }
}

// The bits of some rows of x alone are those that they have in a batch.
void check_batches(const KernelTable& table, Sizes s, std::initializer_list<int64_t> batches) {
  Numbers numbers;
  const Values x = numbers.list(s.m * s.k), w = numbers.list(s.k * s.n), bias = numbers.list(s.n);
  const Values all = forward(table, s, x, w, bias, 1, "sigmoid");
  for (int64_t batch : batches) {
    CAPTURE(batch);
    for (int64_t i : {int64_t{0}, s.m / 2 - batch / 2, s.m - batch}) {
      const Values rows(x.begin() + i * s.k, x.begin() + (i + batch) * s.k);
      const Values some = forward(table, {batch, s.n, s.k}, rows, w, bias, 1, "sigmoid");
      CHECK(same_bits(some, Values(all.begin() + i * s.n, all.begin() + (i + batch) * s.n)));
    }
  }
}

TEST_CASE("a sample's result does not depend on the batch that it is in") {
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    // A matrix unit has another order of summation, from some size on.
    if (std::string(table->isa) == "avx512amx") {
      check_batches(*table, {150, 260, 700}, {60, 77, 149});
      check_batches(*table, {32, 260, 700}, {30, 31});
      check_batches(*table, {22, 260, 700}, {1, 20});
    } else {
      check_batches(*table, {150, 260, 700}, {1, 60, 149});
    }
  }
}

TEST_CASE("linear applies its function after the bias") {
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    Numbers numbers;
    const Sizes s = {9, 37, 20};
    const Values x = numbers.list(s.m * s.k), w = numbers.list(s.k * s.n), bias = numbers.list(s.n);
    const Values z = forward(*table, s, x, w, bias, 1);
    for (const char* name : {"relu", "tanh", "leakyRelu", "softplus"}) {
      const Values y = forward(*table, s, x, w, bias, 1, name);
      Call unary(*table, "unary", s.m);
      unary.function(name).attribute(0.5).attribute(0).input({s.n}, true, z).output({s.n}, true);
      CHECK(same_bits(y, unary.run().result()));
    }
  }
}

TEST_CASE("a gradient of the input is multiplied by the activation's") {
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    // Few rows and many, in one go and, where rows of the kernel are long, some of them at a time.
    for (Sizes s : {Sizes{9, 2000, 37}, {40, 900, 50}, {150, 40, 70}}) {
      CAPTURE(s.m);
      Numbers numbers;
      const Values y = numbers.list(s.m * s.k), dz = numbers.list(s.m * s.n);
      const Values w = numbers.list(s.k * s.n), dy = grad_input(*table, s, dz, w, 1);
      Call unary(*table, "unaryGrad", s.m);
      unary.function("tanh").attribute(0).attribute(0).input({s.k}, true, dy);
      const Values expected = unary.input({s.k}, true, y).output({s.k}, true).run().result();
      for (int64_t parts = 1; parts <= 3; ++parts) {
        Call call(*table, "linearGradInput", s.m);
        call.function("tanh").attribute(0).attribute(0).input({s.n}, true, dz);
        call.input({s.k, s.n}, false, w).input({s.k}, true, y).output({s.k}, true);
        CHECK(same_bits(call.run(parts).result(), expected));
      }
    }
  }
}

// Kernel, bias and their slots after one step, by an optimizer behind a stored gradient or within
// the gradient's product.
struct Step {
  const KernelTable& table;
  Sizes s;
  const OptimizerExample& optimizer;
  std::string precision;  // how ops' names end
  Values x, dz;
  std::vector<Values> own[2];  // kernel, bias: the parameter and its slots

  Step(const KernelTable& isa, Sizes sizes, const OptimizerExample& o, const std::string& ending)
      : table(isa), s(sizes), optimizer(o), precision(ending) {
    Numbers numbers(static_cast<uint32_t>(s.m * 10007 + s.n * 101 + s.k));
    x = numbers.list(s.m * s.k);
    dz = numbers.list(s.m * s.n);
    for (int i = 0; i < 2; ++i) {
      const int64_t count = i == 0 ? s.k * s.n : s.n;
      own[i].push_back(numbers.list(count));
      for (int slot = 0; slot < o.slots; ++slot) own[i].push_back(o.slot(numbers, slot, count));
    }
  }

  Call start(const std::string& op, int64_t batch) const {
    Call call(table, op, batch);
    call.context().step = 4;
    call.attribute(0.5).attribute(0.01);
    for (double value : optimizer.attributes) call.attribute(value);
    return call;
  }

  Values apart() const {
    Call product(table, "linearGradKernel" + precision, s.m);
    product.attribute(1).input({s.k}, true, x).input({s.n}, true, dz);
    product.output({s.k, s.n}, false).output({s.n}, false).run();
    Values all;
    for (int i = 0; i < 2; ++i) {
      Call call = start(optimizer.op, 1);
      const Shape shape = i == 0 ? Shape{s.k, s.n} : Shape{s.n};
      call.input(shape, false, own[i][0]).input(shape, false, product.result(i));
      for (int slot = 1; slot <= optimizer.slots; ++slot) call.input(shape, false, own[i][slot]);
      call.output_is_input(0);
      for (int slot = 1; slot <= optimizer.slots; ++slot) call.output_is_input(slot + 1);
      const Values results = call.run().results();
      all.insert(all.end(), results.begin(), results.end());
    }
    return all;
  }

  Values together(int64_t parts) const {
    Call call = start(fused_name(optimizer.op) + precision, s.m);
    call.attribute(1).input({s.k}, true, x).input({s.n}, true, dz);
    for (int i = 0; i < 2; ++i) {
      const Shape shape = i == 0 ? Shape{s.k, s.n} : Shape{s.n};
      for (const Values& values : own[i]) call.input(shape, false, values);
    }
    for (int i = 0; i < 2 * (1 + optimizer.slots); ++i) call.output_is_input(2 + i);
    return call.run(parts).results();
  }
};

void check_step(const KernelTable& table, Sizes s, const OptimizerExample& optimizer) {
  CAPTURE(std::string(table.isa));
  CAPTURE(optimizer.op);
  CAPTURE(s.m);
  CAPTURE(s.n);
  CAPTURE(s.k);
  for (const std::string precision : {"", "Bf16"}) {
    CAPTURE(precision);
    const Step step(table, s, optimizer, precision);
    const Values expected = step.apart();
    for (int64_t parts = 1; parts <= 3; ++parts) {
      CHECK(same_bits(step.together(parts), expected));
    }
  }
}

TEST_CASE("an optimizer within the product has the bits of one behind a stored gradient") {
  for (const KernelTable* table : usable_tables()) {
    for (const OptimizerExample& optimizer : optimizer_examples()) {
      // All sizes for one of them; they differ in what they do with a strip, not in how it comes.
      if (optimizer.op != "adam" || optimizer.slots != 2) {
        for (int64_t n : {64, 200}) check_step(*table, {32, n, 13}, optimizer);
        continue;
      }
#if defined(MYELIN_SLOW)
      constexpr int64_t kMost = 100'000;
#else
      constexpr int64_t kMost = 100'000'000;
#endif
      for (int64_t n : {1, 10, 64, 200, 300, 1100}) {
        for (int64_t k : {1, 13, 100, 300}) {
          for (int64_t m : {1, 32, 1100}) {
            if (n * k * m > kMost) continue;
            check_step(*table, {m, n, k}, optimizer);
          }
        }
      }
#if !defined(MYELIN_SLOW)
      // A row that the workspace does not hold.
      check_step(*table, {1, kWorkspaceFloats * 5 / 4, 2}, optimizer);
#endif
    }
  }
}

TEST_CASE("the guard finds a sum of numbers that different parts look at") {
  const Sizes s = {5, 130, 70};
  for (const KernelTable* table : usable_tables()) {
    for (const char* name : {"linearGuard", "linearGuardBf16"}) {
      // Which columns of x and of dz have a large number, in the same sample: the first part's or
      // the last one's.
      for (int64_t of_x : {2, 69}) {
        for (int64_t of_dz : {3, 129}) {
          for (float large : {1e10f, 1e18f, 1e30f, INFINITY}) {
            Values x(static_cast<size_t>(s.m * s.k), 0.5f),
                dz(static_cast<size_t>(s.m * s.n), 0.5f);
            x[static_cast<size_t>(3 * s.k + of_x)] = large;
            dz[static_cast<size_t>(3 * s.n + of_dz)] = large;
            for (int64_t parts = 1; parts <= 3; ++parts) {
              Call call(*table, name, s.m);
              call.input({s.k}, true, x).input({s.n}, true, dz).run(parts);
              CHECK(call.failed() == (large > 1e19f));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("linear refuses operands that do not fit") {
  const KernelTable& table = *usable_tables().front();
  auto complaint = [&](Shape kernel, bool kernel_batched, Shape y, int64_t bias,
                       const char* function) {
    Call call(table, "linear", 2);
    call.function(function).attribute(0).attribute(0);
    call.input({3}, true, Values(6));
    call.input(kernel, kernel_batched, Values(size_of(kernel) * (kernel_batched ? 2 : 1)));
    if (bias) call.input({bias}, false, Values(static_cast<size_t>(bias)));
    return call.output(y, true).complaint();
  };
  CHECK(complaint({3, 4}, false, {4}, 4, "relu") == "");
  CHECK(complaint({3, 4}, false, {4}, 0, "relu") == "");
  CHECK(complaint({2, 4}, false, {4}, 4, "relu") == "the input's width is not the kernel's height");
  CHECK(complaint({3, 4}, true, {4}, 4, "relu") == "the kernel must be an unbatched matrix");
  CHECK(complaint({12}, false, {4}, 4, "relu") == "the kernel must be an unbatched matrix");
  CHECK(complaint({3, 4}, false, {5}, 4, "relu") == "the output's width is not the kernel's width");
  CHECK(complaint({3, 4}, false, {2, 4}, 4, "relu") ==
        "the output must have as many rows as the input");
  CHECK(complaint({3, 4}, false, {4}, 3, "relu") ==
        "the bias must have one element for each of the kernel's columns");
  CHECK(complaint({3, 4}, false, {4}, 4, "gelu") ==
        "this function cannot be fused: its gradient needs its input");
}

}  // namespace
}  // namespace myelin::test
