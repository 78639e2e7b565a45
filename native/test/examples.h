// One valid instruction for each op, in few words: where random and fuzzed plans start from.
#pragma once
#include <sstream>
#include <string>
#include <vector>

#include "plan_builder.h"

namespace myelin::test {

struct Example {
  std::string op;
  // "b3,4": a batch of 3 x 4; "3,4": not batched; "": a scalar; "=0": the place of input 0.
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<AttributeSpec> attributes;
};

inline std::vector<Example> examples_of_float() {
  return {
      {"linear", {"b2,5", "5,7", "7"}, {"b2,7"}, {"relu", 0.0, 0.0}},
      {"linearGradInput", {"b7", "5,7", "b5"}, {"b5"}, {"tanh", 0.0, 0.0}},
      {"linearGradKernel", {"b5", "b7"}, {"5,7", "7"}, {1.0}},
      {"linearGuard", {"b5", "b7"}, {}, {}},
      {"linearUpdate", {"b5", "b7", "5,7", "7"}, {"=2", "=3"}, {1.0}},
      {"linearSgd",
       {"b5", "b7", "5,7", "5,7", "7", "7"},
       {"=2", "=3", "=4", "=5"},
       {1.0, 0.0, 0.9, 1.0, 1.0}},
      {"linearRmsprop",
       {"b5", "b7", "5,7", "5,7", "5,7", "7", "7", "7"},
       {"=2", "=3", "=4", "=5", "=6", "=7"},
       {1.0, 0.0, 0.9, 1e-7, 0.9, 0.0, 1.0}},
      {"linearAdagrad",
       {"b5", "b7", "5,7", "5,7", "7", "7"},
       {"=2", "=3", "=4", "=5"},
       {1.0, 0.0, 1e-7, 1.0}},
      {"linearAdadelta",
       {"b5", "b7", "5,7", "5,7", "5,7", "7", "7", "7"},
       {"=2", "=3", "=4", "=5", "=6", "=7"},
       {1.0, 0.0, 0.95, 1e-7, 1.0}},
      {"linearAdam",
       {"b5", "b7", "5,7", "5,7", "5,7", "5,7", "7", "7", "7", "7"},
       {"=2", "=3", "=4", "=5", "=6", "=7", "=8", "=9"},
       {1.0, 0.0, 0.9, 0.999, 1e-7, 1.0}},
      {"linearAdamax",
       {"b5", "b7", "5,7", "5,7", "5,7", "7", "7", "7"},
       {"=2", "=3", "=4", "=5", "=6", "=7"},
       {1.0, 0.0, 0.9, 0.999, 1e-7, 1.0}},
      {"linearNadam",
       {"b5", "b7", "5,7", "5,7", "5,7", "7", "7", "7"},
       {"=2", "=3", "=4", "=5", "=6", "=7"},
       {1.0, 0.0, 0.9, 0.999, 1e-7, 0.004, 1.0}},
      {"linearLion",
       {"b5", "b7", "5,7", "5,7", "7", "7"},
       {"=2", "=3", "=4", "=5"},
       {1.0, 0.0, 0.9, 0.99, 1.0}},
      {"unary", {"b19"}, {"b19"}, {"gelu", 0.0, 0.0}},
      {"unaryGrad", {"b19", "b19"}, {"b19"}, {"elu", 1.0, 0.0}},
      {"binary", {"b3,5", "5"}, {"b3,5"}, {"add"}},
      {"reduce", {"b3,5"}, {"b5"}, {"sum", 0.0, 1.0}},
      {"reduceMaxGrad", {"b3,5", "b3", "b3"}, {"b3,5"}, {0.0, 2.0}},
      {"broadcast", {"b3,1"}, {"b3,5"}, {"mean"}},
      {"softmax", {"b10"}, {"b10"}, {}},
      {"softmaxGrad", {"b10", "b10"}, {"b10"}, {}},
      {"logSoftmax", {"b10"}, {"b10"}, {}},
      {"logSoftmaxGrad", {"b10", "b10"}, {"b10"}, {}},
      {"loss", {"b10", "b1", "b"}, {""}, {"sparseCategoricalCrossentropy", 0.0, 0.0, 0.0, 0.0}},
      {"loss", {"b10", "b10"}, {"", "b10"}, {"huber", 1.0, 0.0, 0.0, 1.0}},
      {"accuracy", {"b10", "b1"}, {"2"}, {"sparseTopK", 0.0, 3.0}},
      {"confusion", {"b4", "b1"}, {"4,4"}, {"sparse", 0.5}},
      {"thresholdCounts", {"b3", "b3", "5"}, {"4,5"}, {}},
      {"regressionSums", {"b3", "b3"}, {"5"}, {}},
      {"batchNormalization", {"b2,9", "9", "9"}, {"b2,9", "9", "9"}, {1e-3}},
      {"batchNormalizationGrad", {"b2,9", "b2,9", "9", "9", "9"}, {"b2,9", "9", "9"}, {1e-3}},
      {"movingAverage", {"9", "9"}, {"=0"}, {0.99}},
      {"layerNormalization", {"b2,9", "9", "9"}, {"b2,9", "b2", "b2"}, {1e-3}},
      {"layerNormalizationGrad", {"b2,9", "b2,9", "9", "b2", "b2"}, {"b2,9", "9", "9"}, {}},
      {"dropout", {"b9"}, {"b9"}, {0.5, 1.0}},
      {"gaussianNoise", {"b9"}, {"b9"}, {0.5, 1.0}},
      {"permute", {"b2,3,4"}, {"b4,2,3"}, {2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0}},
      {"concatenate", {"b2,3", "b2,5"}, {"b2,8"}, {1.0}},
      {"slice", {"b2,8"}, {"b2,5"}, {1.0, 3.0}},
      {"pad", {"b2,5"}, {"b2,8"}, {1.0, 3.0}},
      {"guard", {"", "33"}, {}, {}},
      {"clipValue", {"33"}, {"=0"}, {1.0}},
      {"clipNorm", {"33"}, {"=0"}, {1.0}},
      {"sgd", {"33", "33", "33"}, {"=0", "=2"}, {1.0, 0.0, 0.9, 1.0}},
      {"rmsprop", {"33", "33", "33", "33"}, {"=0", "=2", "=3"}, {1.0, 0.0, 0.9, 1e-7, 0.9, 0.0}},
      {"adagrad", {"33", "33", "33"}, {"=0", "=2"}, {1.0, 0.0, 1e-7}},
      {"adadelta", {"33", "33", "33", "33"}, {"=0", "=2", "=3"}, {1.0, 0.0, 0.95, 1e-7}},
      {"adam", {"33", "33", "33", "33"}, {"=0", "=2", "=3"}, {1.0, 0.0, 0.9, 0.999, 1e-7}},
      {"adamax", {"33", "33", "33", "33"}, {"=0", "=2", "=3"}, {1.0, 0.0, 0.9, 0.999, 1e-7}},
      {"nadam", {"33", "33", "33", "33"}, {"=0", "=2", "=3"}, {1.0, 0.0, 0.9, 0.999, 1e-7, 0.004}},
      {"lion", {"33", "33", "33"}, {"=0", "=2"}, {1.0, 0.0, 0.9, 0.99}},
  };
}

// Those, and dense layers once more with rounded factors.
inline const std::vector<Example>& examples() {
  static const std::vector<Example> list = [] {
    std::vector<Example> all = examples_of_float();
    const size_t count = all.size();
    for (size_t i = 0; i < count; ++i) {
      if (!all[i].op.starts_with("linear")) continue;
      all.push_back(all[i]);
      all.back().op += "Bf16";
    }
    return all;
  }();
  return list;
}

inline uint32_t element_count(const BufferSpec& spec, uint32_t capacity) {
  uint32_t count = spec.batched ? capacity : 1;
  for (uint32_t length : spec.shape) count *= length;
  return count;
}

inline BufferSpec parse_buffer(const std::string& text) {
  BufferSpec result{0, 0, text.starts_with("b"), {}};
  std::istringstream lengths(text.substr(result.batched ? 1 : 0));
  for (std::string length; std::getline(lengths, length, ',');) {
    result.shape.push_back(static_cast<uint32_t>(std::stoul(length)));
  }
  return result;
}

// Places a buffer behind all others of region 0, the state.
inline void place(PlanSpec& plan, BufferSpec& buffer) {
  buffer.offset = plan.sizes[0];
  plan.sizes[0] += element_count(buffer, plan.capacity);
}

inline PlanSpec plan_of(const Example& example) {
  PlanSpec plan;
  plan.capacity = 3;
  InstructionSpec instruction{example.op, {}, {}, example.attributes};
  for (const std::string& text : example.inputs) {
    instruction.inputs.push_back(parse_buffer(text));
    place(plan, instruction.inputs.back());
  }
  for (const std::string& text : example.outputs) {
    if (text.starts_with("=")) {
      instruction.outputs.push_back(instruction.inputs[std::stoul(text.substr(1))]);
    } else {
      instruction.outputs.push_back(parse_buffer(text));
      place(plan, instruction.outputs.back());
    }
  }
  plan.instructions = {instruction};
  return plan;
}

}  // namespace myelin::test
