// Every kernel at odd sizes: each ISA agrees with the scalar one, any division gives the same bits,
// nothing outside the operands is read or written (support.h), and wrong operands are refused.
#include <functional>
#include <set>

#include "support.h"

namespace myelin::test {
namespace {

struct Case {
  std::string name;
  std::string op;
  int64_t batch;
  std::function<void(Call&)> build;
  double tolerance = 2e-6;  // relative to 1 or the result, whichever is larger
};

Values indices(int64_t count, int64_t classes) {
  Values values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<int64_t>(i * 7 + 3) % classes);
  }
  return values;
}

// Rows of positive numbers that sum to 1.
Values distributions(Numbers& numbers, int64_t rows, int64_t width) {
  Values values = numbers.list(rows * width, 0.05f, 1);
  for (int64_t row = 0; row < rows; ++row) {
    float sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += values[static_cast<size_t>(row * width + i)];
    for (int64_t i = 0; i < width; ++i) values[static_cast<size_t>(row * width + i)] /= sum;
  }
  return values;
}

void add_elementwise(std::vector<Case>& cases) {
  const KernelTable& table = *usable_tables().back();
  const char* const* names = find_kernel(table, "unary")->functions;
  for (int i = 0; names[i]; ++i) {
    const std::string name = names[i];
    cases.push_back({"unary " + name, "unary", 7, [=](Call& call) {
                       Numbers numbers;
                       call.function(name).attribute(0.3).attribute(0.8);
                       call.input({3, 101}, true, numbers.list(7 * 303, 0.1f, 3));
                       call.output({3, 101}, true);
                     }});
    cases.push_back({"unaryGrad " + name, "unaryGrad", 7, [=](Call& call) {
                       Numbers numbers;
                       call.function(name).attribute(0.3).attribute(0.8);
                       call.input({303}, true, numbers.list(7 * 303));
                       call.input({303}, true, numbers.list(7 * 303, 0.1f, 3));
                       call.output({303}, true);
                     }});
  }
  const char* const* binary = find_kernel(table, "binary")->functions;
  struct Operands {
    Shape a, b, y;
    bool a_batched, b_batched;
  };
  const std::vector<Operands> shapes = {{{5, 7}, {5, 7}, {5, 7}, true, true},
                                        {{5, 37}, {37}, {5, 37}, true, false},
                                        {{}, {3, 5}, {3, 5}, false, true},
                                        {{4, 1, 33}, {3, 1}, {4, 3, 33}, true, false},
                                        {{1}, {1}, {1}, true, true},
                                        {{3, 1}, {1, 21}, {3, 21}, false, true},
                                        {{6, 19}, {6, 1}, {6, 19}, false, true}};
  for (int i = 0; binary[i]; ++i) {
    for (size_t j = 0; j < shapes.size(); ++j) {
      const std::string name = binary[i];
      const Operands s = shapes[j];
      cases.push_back({"binary " + name + " " + std::to_string(j), "binary", 5, [=](Call& call) {
                         Numbers numbers;
                         call.function(name);
                         call.input(s.a, s.a_batched,
                                    numbers.list(size_of(s.a) * (s.a_batched ? 5 : 1)));
                         call.input(s.b, s.b_batched,
                                    numbers.list(size_of(s.b) * (s.b_batched ? 5 : 1), 0.5f, 2));
                         call.output(s.y, true);
                       }});
    }
  }
}

void add_reductions(std::vector<Case>& cases) {
  const Shape shape = {3, 5, 37};
  for (const char* function : {"sum", "mean", "max"}) {
    for (int axes = 0; axes < 8; ++axes) {
      for (int batch = 0; batch < 2; ++batch) {
        Shape y;
        for (int axis = 0; axis < 3; ++axis) {
          if (!(axes >> axis & 1)) y.push_back(shape[static_cast<size_t>(axis)]);
        }
        const std::string where = std::to_string(axes) + (batch ? " and batch" : "");
        const std::string name = function;
        cases.push_back({"reduce " + name + " " + where, "reduce", 6,
                         [=](Call& call) {
                           Numbers numbers;
                           call.function(name).attribute(batch).attribute(axes);
                           call.input(shape, true, numbers.list(6 * size_of(shape)));
                           call.output(y, !batch);
                         },
                         1e-5});
        if (name != "max") continue;
        cases.push_back({"reduceMaxGrad " + where, "reduceMaxGrad", 6, [=](Call& call) {
                           Numbers numbers;
                           const Values x = indices(6 * size_of(shape), 5);
                           call.attribute(batch).attribute(axes);
                           call.input(shape, true, x);
                           const int64_t n = size_of(y) * (batch ? 1 : 6);
                           call.input(y, !batch, Values(static_cast<size_t>(n), 4));
                           call.input(y, !batch, numbers.list(n)).output(shape, true);
                         }});
      }
    }
  }
  for (const char* function : {"sum", "mean"}) {
    const std::string name = function;
    cases.push_back({"broadcast rows " + name, "broadcast", 6, [=](Call& call) {
                       Numbers numbers;
                       call.function(name).input({5, 1}, true, numbers.list(30));
                       call.output({3, 5, 37}, true);
                     }});
    cases.push_back({"broadcast batch " + name, "broadcast", 6, [=](Call& call) {
                       Numbers numbers;
                       call.function(name).input({37}, false, numbers.list(37));
                       call.output({5, 37}, true);
                     }});
  }
}

void add_rows(std::vector<Case>& cases) {
  for (int64_t width : {1, 10, 16, 37, 300}) {
    for (const char* op : {"softmax", "logSoftmax"}) {
      const std::string name = op;
      cases.push_back({name + " " + std::to_string(width), name, 9, [=](Call& call) {
                         Numbers numbers;
                         call.input({2, width}, true, numbers.list(18 * width, -5, 5));
                         call.output({2, width}, true);
                       }});
      cases.push_back({name + "Grad " + std::to_string(width), name + "Grad", 9,
                       [=](Call& call) {
                         Numbers numbers;
                         call.input({2, width}, true, numbers.list(18 * width));
                         call.input({2, width}, true, distributions(numbers, 18, width));
                         call.output({2, width}, true);
                       },
                       2e-5});
    }
  }
}

void add_losses(std::vector<Case>& cases) {
  const char* const* names = find_kernel(*usable_tables().back(), "loss")->functions;
  for (int i = 0; names[i]; ++i) {
    const std::string name = names[i];
    const bool sparse = name.rfind("sparse", 0) == 0 || name == "negativeLogLikelihood";
    for (int64_t width : {1, 10, 37}) {
      for (int weighted = 0; weighted < 2; ++weighted) {
        for (int grad = 0; grad < 2; ++grad) {
          const std::string what = (grad ? "lossGrad " : "loss ") + name + " " +
                                   std::to_string(width) + (weighted ? " weighted" : "");
          auto build = [=](Call& call) {
            Numbers numbers;
            call.function(name).attribute(0.25).attribute(2).attribute(weighted);
            call.input({2, width}, true, distributions(numbers, 22, width));
            if (sparse) {
              call.input({2}, true, indices(22, width));
            } else {
              call.input({2, width}, true, distributions(numbers, 22, width));
            }
            if (grad) call.input({}, false, {1.5f});
            if (weighted) call.input({}, true, numbers.list(11, 0, 2));
            if (grad) {
              call.output({2, width}, true);
            } else {
              call.output({}, false);
            }
          };
          cases.push_back({what, grad ? "lossGrad" : "loss", 11, build, 3e-5});
        }
      }
    }
  }
}

void add_metrics(std::vector<Case>& cases) {
  for (const char* function : {"binary", "categorical", "sparse", "topK", "sparseTopK"}) {
    const std::string name = function;
    const bool sparse = name[0] == 's';
    cases.push_back({"accuracy " + name, "accuracy", 21, [=](Call& call) {
                       Numbers numbers;
                       call.function(name).attribute(0.5).attribute(3);
                       call.input({2, 7}, true, numbers.list(294, 0, 1));
                       call.input(sparse ? Shape{2} : Shape{2, 7}, true,
                                  sparse ? indices(42, 7) : numbers.list(294, 0, 1));
                       call.input({}, true, numbers.list(21, 0, 1)).output({2}, false);
                     }});
  }
  for (const char* function : {"categorical", "sparse", "binary"}) {
    const std::string name = function;
    const int64_t width = name == "binary" ? 1 : 7, classes = name == "binary" ? 2 : 7;
    cases.push_back({"confusion " + name, "confusion", 21, [=](Call& call) {
                       Numbers numbers;
                       call.function(name).attribute(0.5);
                       call.input({width}, true, numbers.list(21 * width, 0, 1));
                       const bool sparse = name == "sparse";
                       call.input({sparse ? 1 : width}, true,
                                  sparse ? indices(21, 9) : numbers.list(21 * width, 0, 1));
                       call.output({classes, classes}, false);
                     }});
  }
  cases.push_back({"thresholdCounts", "thresholdCounts", 21, [](Call& call) {
                     Numbers numbers;
                     call.input({3}, true, numbers.list(63, 0, 1));
                     call.input({3}, true, indices(63, 2));
                     call.input({53}, false, numbers.list(53, 0, 1));
                     call.input({}, true, indices(21, 3)).output({4, 53}, false);
                   }});
  cases.push_back({"regressionSums", "regressionSums", 21, [](Call& call) {
                     Numbers numbers;
                     call.input({3}, true, numbers.list(63)).input({3}, true, numbers.list(63));
                     call.output({5}, false);
                   }});
}

void add_norms(std::vector<Case>& cases) {
  for (int64_t c : {1, 10, 37, 131}) {
    const std::string width = " " + std::to_string(c);
    cases.push_back({"batchNormalization" + width, "batchNormalization", 9,
                     [=](Call& call) {
                       Numbers numbers;
                       call.attribute(1e-3).input({3, c}, true, numbers.list(27 * c));
                       call.input({c}, false, numbers.list(c)).input({c}, false, numbers.list(c));
                       call.output({3, c}, true).output({c}, false).output({c}, false);
                     },
                     1e-5});
    cases.push_back({"batchNormalizationGrad" + width, "batchNormalizationGrad", 9,
                     [=](Call& call) {
                       Numbers numbers;
                       call.attribute(1e-3).input({3, c}, true, numbers.list(27 * c));
                       call.input({3, c}, true, numbers.list(27 * c));
                       call.input({c}, false, numbers.list(c)).input({c}, false, numbers.list(c));
                       call.input({c}, false, numbers.list(c, 0.5f, 2));
                       call.output({3, c}, true).output({c}, false).output({c}, false);
                     },
                     2e-5});
    cases.push_back({"layerNormalization" + width, "layerNormalization", 9,
                     [=](Call& call) {
                       Numbers numbers;
                       call.attribute(1e-3).input({3, c}, true, numbers.list(27 * c));
                       call.input({c}, false, numbers.list(c)).input({c}, false, numbers.list(c));
                       call.output({3, c}, true).output({3}, true).output({3}, true);
                     },
                     1e-5});
    cases.push_back({"layerNormalizationGrad" + width, "layerNormalizationGrad", 9,
                     [=](Call& call) {
                       Numbers numbers;
                       call.input({3, c}, true, numbers.list(27 * c));
                       call.input({3, c}, true, numbers.list(27 * c));
                       call.input({c}, false, numbers.list(c)).input({3}, true, numbers.list(27));
                       call.input({3}, true, numbers.list(27, 0.5f, 2));
                       call.output({3, c}, true).output({c}, false).output({c}, false);
                     },
                     2e-5});
  }
  cases.push_back({"movingAverage", "movingAverage", 1, [](Call& call) {
                     Numbers numbers;
                     call.attribute(0.9).input({37}, false, numbers.list(37));
                     call.input({37}, false, numbers.list(37)).output_is_input(0);
                   }});
}

void add_random(std::vector<Case>& cases) {
  for (const char* op : {"dropout", "gaussianNoise"}) {
    const std::string name = op;
    cases.push_back({name, name, 3,
                     [](Call& call) {
                       Numbers numbers;
                       call.context().step = 5;
                       call.attribute(0.3).attribute(2147483651.0);
                       call.input({467}, true, numbers.list(3 * 467)).output({467}, true);
                     },
                     1e-5});
  }
}

void add_shapes(std::vector<Case>& cases) {
  const std::vector<std::vector<int>> orders = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}};
  const Shape x = {3, 5, 37};
  for (const auto& order : orders) {
    cases.push_back({"permute", "permute", 3, [=](Call& call) {
                       Numbers numbers;
                       Shape y;
                       for (int axis : order) {
                         call.attribute(axis);
                         y.push_back(x[static_cast<size_t>(axis)]);
                       }
                       for (int i = 3; i < 8; ++i) call.attribute(i);
                       call.input(x, true, numbers.list(3 * size_of(x))).output(y, true);
                     }});
  }
  for (int axis = 0; axis < 3; ++axis) {
    const std::string where = " axis " + std::to_string(axis);
    cases.push_back({"concatenate" + where, "concatenate", 3, [=](Call& call) {
                       Numbers numbers;
                       Shape other = x, y = x;
                       other[static_cast<size_t>(axis)] = 2;
                       y[static_cast<size_t>(axis)] += 2;
                       call.attribute(axis).input(x, true, numbers.list(3 * size_of(x)));
                       call.input(other, true, numbers.list(3 * size_of(other))).output(y, true);
                     }});
    for (const char* op : {"slice", "pad"}) {
      const std::string name = op;
      cases.push_back({name + where, name, 3, [=](Call& call) {
                         Numbers numbers;
                         Shape small = x;
                         small[static_cast<size_t>(axis)] -= 2;
                         call.attribute(axis).attribute(1);
                         const Shape& from = name == "slice" ? x : small;
                         call.input(from, true, numbers.list(3 * size_of(from)));
                         call.output(name == "slice" ? small : x, true);
                       }});
    }
  }
}

void add_optimizers(std::vector<Case>& cases) {
  struct Optimizer {
    const char* op;
    int slots;
    std::vector<double> attributes;
  };
  const std::vector<Optimizer> optimizers = {
      {"sgd", 0, {0, 0}},
      {"sgd", 1, {0.9, 0}},
      {"sgd", 1, {0.9, 1}},
      {"rmsprop", 1, {0.9, 1e-7, 0, 0}},
      {"rmsprop", 2, {0.9, 1e-7, 0.9, 0}},
      {"rmsprop", 2, {0.9, 1e-7, 0, 1}},
      {"rmsprop", 3, {0.9, 1e-7, 0.9, 1}},
      {"adagrad", 1, {1e-7}},
      {"adadelta", 2, {0.95, 1e-7}},
      {"adam", 2, {0.9, 0.999, 1e-7}},
      {"adam", 3, {0.9, 0.999, 1e-7}},
      {"adamax", 2, {0.9, 0.999, 1e-7}},
      {"nadam", 2, {0.9, 0.999, 1e-7, 0.004}},
      {"lion", 1, {0.9, 0.99}},
  };
  for (size_t i = 0; i < optimizers.size(); ++i) {
    const Optimizer o = optimizers[i];
    cases.push_back({std::string(o.op) + " " + std::to_string(i), o.op, 1, [=](Call& call) {
                       Numbers numbers;
                       call.context().step = 3;
                       call.attribute(0.5).attribute(0.01);
                       for (double value : o.attributes) call.attribute(value);
                       call.input({5003}, false, numbers.list(5003));
                       call.input({5003}, false, numbers.list(5003));
                       // A mean that fits its square: s >= m^2.
                       for (int s = 0; s < o.slots; ++s) {
                         const bool mean = s > 0 && s == o.slots - 1 && o.attributes.back() == 1;
                         call.input({5003}, false,
                                    numbers.list(5003, mean ? -0.1f : 0.5f, mean ? 0.1f : 1));
                       }
                       call.output_is_input(0);
                       for (int s = 0; s < o.slots; ++s) call.output_is_input(2 + s);
                     }});
  }
  cases.push_back({"clipValue", "clipValue", 1, [](Call& call) {
                     Numbers numbers;
                     call.attribute(0.5).input({5003}, false, numbers.list(5003));
                     call.output_is_input(0);
                   }});
  cases.push_back({"clipNorm", "clipNorm", 1, [](Call& call) {
                     Numbers numbers;
                     call.attribute(0.5).input({5003}, false, numbers.list(5003));
                     call.output_is_input(0);
                   }});
  cases.push_back({"guard", "guard", 1, [](Call& call) {
                     Numbers numbers;
                     call.input({}, false, {1}).input({5003}, false, numbers.list(5003));
                   }});
}

void add_linear(std::vector<Case>& cases) {
  cases.push_back({"linear", "linear", 21, [](Call& call) {
                     Numbers numbers;
                     call.function("relu").attribute(0).attribute(0);
                     call.input({2, 19}, true, numbers.list(42 * 19));
                     call.input({19, 53}, false, numbers.list(19 * 53));
                     call.input({53}, false, numbers.list(53)).output({2, 53}, true);
                   }});
  cases.push_back({"linearGradInput", "linearGradInput", 21,
                   [](Call& call) {
                     Numbers numbers;
                     call.input({53}, true, numbers.list(21 * 53));
                     call.input({19, 53}, false, numbers.list(19 * 53)).output({19}, true);
                   },
                   1e-5});
  cases.push_back({"linearGradKernel", "linearGradKernel", 21,
                   [](Call& call) {
                     Numbers numbers;
                     call.input({19}, true, numbers.list(21 * 19));
                     call.input({53}, true, numbers.list(21 * 53)).output({19, 53}, false);
                   },
                   1e-5});
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  add_linear(cases);
  add_elementwise(cases);
  add_reductions(cases);
  add_rows(cases);
  add_losses(cases);
  add_metrics(cases);
  add_norms(cases);
  add_random(cases);
  add_shapes(cases);
  add_optimizers(cases);
  return cases;
}

Values run(const KernelTable& table, const Case& c, int64_t parts) {
  Call call(table, c.op, c.batch);
  c.build(call);
  return call.run(parts).results();
}

TEST_CASE("every kernel has a case here") {
  const KernelTable& table = *usable_tables().front();
  std::set<std::string> covered;
  for (const Case& c : all_cases()) covered.insert(c.op);
  for (int i = 0; i < table.count; ++i) CHECK(covered.count(table.kernels[i].name) == 1);
  CHECK(static_cast<int>(covered.size()) == table.count);
}

TEST_CASE("every ISA agrees with the scalar one") {
  const KernelTable& scalar = *usable_tables().back();
  for (const Case& c : all_cases()) {
    CAPTURE(c.name);
    const Values expected = run(scalar, c, 1);
    for (float value : expected) CHECK(!std::isnan(value));
    for (const KernelTable* table : usable_tables()) {
      CAPTURE(std::string(table->isa));
      const Values got = run(*table, c, 1);
      REQUIRE(got.size() == expected.size());
      for (size_t i = 0; i < got.size(); ++i) {
        CAPTURE(i);
        const double scale = std::max(1.0, std::abs(static_cast<double>(expected[i])));
        CHECK(std::abs(static_cast<double>(got[i]) - expected[i]) <= c.tolerance * scale);
      }
    }
  }
}

TEST_CASE("any division gives the same bits") {
  for (const KernelTable* table : usable_tables()) {
    CAPTURE(std::string(table->isa));
    for (const Case& c : all_cases()) {
      CAPTURE(c.name);
      const Values whole = run(*table, c, 1);
      Call call(*table, c.op, c.batch);
      c.build(call);
      const int64_t most = call.most_parts();
      CHECK(most >= 1);
      if (!find_kernel(*table, c.op)->parts) continue;
      for (int64_t parts = 2; parts <= 5; ++parts) CHECK(same_bits(run(*table, c, parts), whole));
    }
  }
}

// Changes one thing about an instruction at a time; a kernel must refuse it, or take it without
// leaving its operands.
TEST_CASE("instructions that were tampered with are refused") {
  const KernelTable& table = *usable_tables().front();
  for (const Case& c : all_cases()) {
    CAPTURE(c.name);
    auto complains = [&](auto change) {
      Call call(table, c.op, c.batch);
      c.build(call);
      REQUIRE(call.complaint() == "");
      change(call.instruction());
      return call.complaint() != "";
    };
    CHECK(complains([](Instruction& in) { in.input_count = 0; }));
    CHECK(complains([](Instruction& in) { in.output_count += 1; }));
    CHECK(complains([](Instruction& in) {
      in.attribute_count = in.attribute_count > 0 ? in.attribute_count - 1 : 1;
      if (std::string(in.kernel->name) == "permute") in.attribute_count = 2;
    }));
    if (c.op == "guard") continue;
    // Larger outputs would be written beyond what the inputs give; some ops repeat or pad them.
    const bool repeats = c.op == "binary" || c.op == "broadcast";
    if (!repeats && c.op != "pad") {
      CHECK(complains([](Instruction& in) {
        Operand& y = in.outputs[0];
        y.size *= 5;
        y.shape[0] = y.rank > 0 ? y.shape[0] * 5 : 5;
        if (y.rank == 0) y.rank = 1;
      }));
    }
    if (!repeats) {
      CHECK(complains([](Instruction& in) { in.outputs[0].batched = !in.outputs[0].batched; }));
    }
    CHECK(complains([](Instruction& in) {
      in.inputs[0].size = 2;
      in.outputs[0].data = in.inputs[0].data + 1;
    }));
    const Kernel& kernel = *find_kernel(table, c.op);
    for (double bad : {-1.0, 1e9, 0.5, std::nan("")}) {
      if (kernel.functions) {
        CHECK(complains([&](Instruction& in) { in.attributes[0] = bad; }));
      }
    }
  }
}

}  // namespace
}  // namespace myelin::test
