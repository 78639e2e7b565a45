// A call of every kernel at odd sizes.
#pragma once
#include "training_cases.h"

namespace myelin::test {

inline void add_elementwise(std::vector<Case>& cases) {
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

inline void add_reductions(std::vector<Case>& cases) {
  const Shape shape = {3, 5, 37};
  for (const char* function : {"sum", "mean", "max"}) {
    for (int axes = 0; axes < 8; ++axes) {
      for (int batch = 0; batch < 2; ++batch) {
        Shape y;
        for (int axis = 0; axis < 3; ++axis) {
          if (!(axes >> axis & 1)) y.push_back(shape[static_cast<size_t>(axis)]);
        }
        const std::string where = std::to_string(axes) + " batch " + std::to_string(batch);
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

inline void add_rows(std::vector<Case>& cases) {
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

inline void add_shapes(std::vector<Case>& cases) {
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

inline void add_linear(std::vector<Case>& cases) {
  for (const std::string suffix : {"", "Bf16"}) {
    cases.push_back({"linear" + suffix, "linear" + suffix, 21, [](Call& call) {
                       Numbers numbers;
                       call.function("relu").attribute(0).attribute(0);
                       call.input({2, 19}, true, numbers.list(42 * 19));
                       call.input({19, 53}, false, numbers.list(19 * 53));
                       call.input({53}, false, numbers.list(53)).output({2, 53}, true);
                     }});
    cases.push_back({"linearGradInput" + suffix, "linearGradInput" + suffix, 21,
                     [](Call& call) {
                       Numbers numbers;
                       call.function("tanh").attribute(0).attribute(0);
                       call.input({53}, true, numbers.list(21 * 53));
                       call.input({19, 53}, false, numbers.list(19 * 53));
                       call.input({19}, true, numbers.list(21 * 19)).output({19}, true);
                     },
                     1e-5});
    cases.push_back({"linearGradKernel" + suffix, "linearGradKernel" + suffix, 21,
                     [](Call& call) {
                       Numbers numbers;
                       call.attribute(1).input({19}, true, numbers.list(21 * 19));
                       call.input({53}, true, numbers.list(21 * 53)).output({19, 53}, false);
                       call.output({53}, false);
                     },
                     1e-5});
    cases.push_back({"linearGuard" + suffix, "linearGuard" + suffix, 21, [](Call& call) {
                       Numbers numbers;
                       call.input({19}, true, numbers.list(21 * 19));
                       call.input({53}, true, numbers.list(21 * 53));
                     }});
    cases.push_back({"linearUpdate" + suffix, "linearUpdate" + suffix, 21,
                     [](Call& call) {
                       Numbers numbers;
                       call.context().learning_rate = 0.25f;
                       call.attribute(0.5).input({19}, true, numbers.list(21 * 19));
                       call.input({53}, true, numbers.list(21 * 53));
                       call.input({19, 53}, false, numbers.list(19 * 53));
                       call.input({53}, false, numbers.list(53));
                       call.output_is_input(2).output_is_input(3);
                     },
                     1e-5});
  }
}

inline std::vector<Case> all_cases() {
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
  for (const char* precision : {"", "Bf16"}) add_linear_optimizers(cases, precision);
  return cases;
}

}  // namespace myelin::test
