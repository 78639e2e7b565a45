// Calls of the kernels that only training and evaluation need.
#pragma once
#include <functional>

#include "support.h"

namespace myelin::test {

struct Case {
  std::string name;
  std::string op;
  int64_t batch;
  std::function<void(Call&)> build;
  double tolerance = 2e-6;  // relative to 1 or the result, whichever is larger
};

inline Values indices(int64_t count, int64_t classes) {
  Values values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<int64_t>(i * 7 + 3) % classes);
  }
  return values;
}

// Rows of positive numbers that sum to 1.
inline Values distributions(Numbers& numbers, int64_t rows, int64_t width) {
  Values values = numbers.list(rows * width, 0.05f, 1);
  for (int64_t row = 0; row < rows; ++row) {
    float sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += values[static_cast<size_t>(row * width + i)];
    for (int64_t i = 0; i < width; ++i) values[static_cast<size_t>(row * width + i)] /= sum;
  }
  return values;
}

inline void add_losses(std::vector<Case>& cases) {
  const char* const* names = find_kernel(*usable_tables().back(), "loss")->functions;
  for (int i = 0; names[i]; ++i) {
    const std::string name = names[i];
    const bool sparse = name.rfind("sparse", 0) == 0 || name == "negativeLogLikelihood";
    for (int64_t width : {1, 10, 37}) {
      for (int weighted = 0; weighted < 2; ++weighted) {
        for (int grad = 0; grad < 2; ++grad) {
          const std::string what = "loss " + name + " " + std::to_string(width) +
                                   (weighted ? " weighted" : "") + (grad ? " gradient" : "");
          auto build = [=](Call& call) {
            Numbers numbers;
            call.function(name).attribute(0.25).attribute(2).attribute(weighted).attribute(grad);
            call.input({2, width}, true, distributions(numbers, 22, width));
            if (sparse) {
              call.input({2}, true, indices(22, width));
            } else {
              call.input({2, width}, true, distributions(numbers, 22, width));
            }
            if (weighted) call.input({}, true, numbers.list(11, 0, 2));
            call.output({}, false);
            if (grad) call.output({2, width}, true);
          };
          cases.push_back({what, "loss", 11, build, 3e-5});
        }
      }
    }
  }
}

inline void add_metrics(std::vector<Case>& cases) {
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

inline void add_norms(std::vector<Case>& cases) {
  for (int64_t c : {1, 10, 37, 131}) {
    const std::string width = " of width " + std::to_string(c);
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

inline void add_random(std::vector<Case>& cases) {
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

struct OptimizerExample {
  std::string op;
  int slots;
  std::vector<double> attributes;  // its own

  // Slots as they may be: a mean fits its square, s >= m^2.
  Values slot(Numbers& numbers, int index, int64_t count) const {
    const bool mean = index > 0 && index == slots - 1 && attributes.back() == 1;
    return numbers.list(count, mean ? -0.1f : 0.5f, mean ? 0.1f : 1);
  }
};

inline const std::vector<OptimizerExample>& optimizer_examples() {
  static const std::vector<OptimizerExample> optimizers = {
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
  return optimizers;
}

// The name of the op that does the optimizer's step within a gradient's product.
inline std::string fused_name(const std::string& optimizer) {
  std::string name = "linear" + optimizer;
  name[6] = static_cast<char>(name[6] - 'a' + 'A');
  return name;
}

// For products of one precision: how the ops' names end.
inline void add_linear_optimizers(std::vector<Case>& cases, const std::string& precision) {
  const std::vector<OptimizerExample>& optimizers = optimizer_examples();
  for (size_t i = 0; i < optimizers.size(); ++i) {
    const OptimizerExample o = optimizers[i];
    const std::string op = fused_name(o.op) + precision;
    cases.push_back({op + " " + std::to_string(i), op, 21,
                     [=](Call& call) {
                       Numbers numbers;
                       call.context().step = 3;
                       call.attribute(0.5).attribute(0.01);
                       for (double value : o.attributes) call.attribute(value);
                       call.attribute(1).input({19}, true, numbers.list(21 * 19));
                       call.input({133}, true, numbers.list(21 * 133));
                       int input = 2;
                       for (int64_t rows : {19, 1}) {
                         const Shape shape = rows == 1 ? Shape{133} : Shape{rows, 133};
                         call.input(shape, false, numbers.list(rows * 133));
                         for (int s = 0; s < o.slots; ++s) {
                           call.input(shape, false, o.slot(numbers, s, rows * 133));
                         }
                         for (int s = 0; s <= o.slots; ++s) call.output_is_input(input++);
                       }
                     },
                     1e-5});
  }
}

inline void add_optimizers(std::vector<Case>& cases) {
  const std::vector<OptimizerExample>& optimizers = optimizer_examples();
  for (size_t i = 0; i < optimizers.size(); ++i) {
    const OptimizerExample o = optimizers[i];
    cases.push_back({o.op + " " + std::to_string(i), o.op, 1, [=](Call& call) {
                       Numbers numbers;
                       call.context().step = 3;
                       call.attribute(0.5).attribute(0.01);
                       for (double value : o.attributes) call.attribute(value);
                       call.input({5003}, false, numbers.list(5003));
                       call.input({5003}, false, numbers.list(5003));
                       for (int s = 0; s < o.slots; ++s) {
                         call.input({5003}, false, o.slot(numbers, s, 5003));
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

}  // namespace myelin::test
