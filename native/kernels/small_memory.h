// The memory of a small network's step: its layers, its loss, and where their parameters, gradients
// and slots lie. See small_step.h.
#pragma once
#include "small_layer.h"
#include "small_plan.h"

namespace myelin {
namespace {
namespace small {

constexpr int kArrays = 5;  // parameters, gradients, up to three slots or the next parameters
constexpr int64_t kMostFloats = 16 * 1024;  // of parameters; more belongs to the tiles of gemm.h

// A parameter of the plan, with its gradient and slots, and the step's copies of them.
struct Parameter {
  float* arrays[kArrays];  // null: the plan has none
  int64_t rows, columns;
  float* own;  // of the parameter, rows `stride` apart; the others lie a block further each
  int64_t stride;
  float* transposed;  // null: none
  int64_t transposed_stride;
};

template <int kLanes>
struct Step {
  int depth;
  Layer<kLanes> layers[kMostLayers];
  Loss<kLanes> loss;
  int input, target, weights;  // of the plan's inputs; -1: none
  int64_t target_size;
  bool sum;
  float* loss_output;
  Instruction updates[kMostLayers];  // over the step's own memory
  int update_count;                  // 0: the step descends
  Parameter parameters[2 * kMostLayers];
  int parameter_count;
  int64_t block;  // floats of all parameters, of all gradients, of each slot
  // Where the step descends, present and next parameters change places after each one.
  bool swapped;
  // What the rest of a step's numbers follow from, and those that do.
  float learning_rate;
  int64_t batch;
  double share;  // of a sample in the loss

  int64_t now() const { return swapped ? 2 * block : 0; }
  Sink sink() const { return {now(), block - now(), 2 * block - 2 * now(), zero()}; }

  void set(float rate, int64_t samples) {
    learning_rate = rate;
    batch = samples;
    share = sum ? 1.0 : 1.0 / static_cast<double>(samples);
    for (int l = 0; l < depth; ++l) {
      layers[l].descent = static_cast<float>(-layers[l].scale * static_cast<double>(rate));
    }
  }
};

// ---- Building the step ----

inline Operand vector_of(float* data, int64_t n) {
  Operand x = {};
  x.data = data;
  x.size = x.shape[0] = n;
  x.rank = 1;
  return x;
}

MYELIN_INLINE int64_t kernel_floats(const Dense& layer, bool first) {
  const int64_t inputs = layer.x().size, outputs = layer.y().size;
  return inputs * round_up(outputs, kWidth) + (first ? 0 : outputs * round_up(inputs, kWidth));
}

// Of all parameters, in the step's layout.
inline int64_t block_floats(const Network& net) {
  int64_t floats = 0;
  for (int l = 0; l < net.depth; ++l) {
    floats += kernel_floats(net.layers[l], l == 0) + round_up(net.layers[l].y().size, kWidth);
  }
  return floats;
}

// Parameters, gradients and slots or the next parameters.
inline int64_t arrays_of(const Network& net) {
  int64_t most = net.descends() ? 3 : 2;
  for (int i = 0; i < net.optimizer_count; ++i) {
    most = max_int(most, net.optimizers[i]->input_count);
  }
  return most;
}

// Rows beside the parameters: three of each layer, two of the loss.
inline int64_t row_count(const Network& net) { return 3 * net.depth + 2; }

template <int kLanes>
struct Builder {
  const Network& net;
  Step<kLanes>& s;
  float* next;  // free memory

  float* take(int64_t floats) {
    float* taken = next;
    next += floats;
    return taken;
  }

  void place_rows() {
    for (int l = 0; l < net.depth; ++l) {
      Layer<kLanes>& layer = s.layers[l];
      const Instruction& in = *net.layers[l].linear;
      const int function = function_of(in);
      layer.inputs = in.inputs[0].size;
      layer.outputs = in.outputs[0].size;
      layer.row = round_up(layer.outputs, kWidth);
      layer.column = round_up(layer.inputs, kWidth);
      layer.has_bias = in.input_count == 3;
      layer.y = take(kLanes);
      layer.slope = take(kLanes);
      layer.dz = take(kLanes);
      layer.scale = net.layers[l].gradient->attributes[0];
      layer.alpha = attribute(in, 1);
      layer.beta = attribute(in, 2);
      layer.activate = Activations<kLanes, unary::Functions>::kActivate[function];
    }
    const Instruction& in = *net.loss;
    s.loss.run = Losses<kLanes, loss::Functions>::kRun[function_of(in)];
    s.loss.row = loss::Functions::kGrad[function_of(in)];
    s.loss.width = in.inputs[0].size;
    s.loss.element_share = 1.0 / static_cast<double>(s.loss.width);
    s.loss.c = {attribute(in, 1), attribute(in, 2)};
    s.loss.p = take(kLanes);
    s.loss.d = take(kLanes);
  }

  // The copies of a parameter of the plan: the kernel (0) or bias (1) of a layer.
  void copy(int l, int which, float* own, float* transposed) {
    const Dense& dense = net.layers[l];
    const Layer<kLanes>& layer = s.layers[l];
    Parameter& p = s.parameters[s.parameter_count++];
    p = {};
    p.arrays[0] = dense.parameter(which).data;
    p.rows = which == 0 ? layer.inputs : 1;
    p.columns = layer.outputs;
    p.own = own;
    p.stride = layer.row;
    p.transposed = transposed;
    p.transposed_stride = layer.column;
    const Instruction* optimizer = dense.optimizers[which];
    for (int i = 0; optimizer && i < optimizer->input_count; ++i) {
      p.arrays[i] = optimizer->inputs[i].data + (p.arrays[0] - optimizer->inputs[0].data);
    }
  }

  void place_kernel(int l) {
    Layer<kLanes>& layer = s.layers[l];
    layer.kernel = take(layer.inputs * layer.row);
    if (l > 0) layer.transposed = take(layer.outputs * layer.column);
    copy(l, 0, layer.kernel, layer.transposed);
  }

  void place_bias(int l) {
    s.layers[l].bias = take(s.layers[l].row);
    if (s.layers[l].has_bias) copy(l, 1, s.layers[l].bias, nullptr);
  }

  // The optimizer over the floats from `begin` to here.
  void update(const Instruction& optimizer, float* begin) {
    Instruction& in = s.updates[s.update_count++];
    in = optimizer;
    const int64_t n = next - begin;
    for (int i = 0; i < in.input_count; ++i) in.inputs[i] = vector_of(begin + i * s.block, n);
    for (int i = 0; i < in.output_count; ++i) in.outputs[i] = in.inputs[i ? i + 1 : 0];
  }

  // Parameters of one optimizer lie side by side.
  void place_parameters() {
    for (int l = 0; l < net.depth; ++l) {
      if (!net.layers[l].optimizers[0]) place_kernel(l);
      if (!net.layers[l].optimizers[1]) place_bias(l);
    }
    for (int u = 0; u < net.optimizer_count; ++u) {
      const Instruction* optimizer = net.optimizers[u];
      float* begin = next;
      for (int l = 0; l < net.depth; ++l) {
        if (net.layers[l].optimizers[0] == optimizer) place_kernel(l);
        if (net.layers[l].optimizers[1] == optimizer) place_bias(l);
      }
      update(*optimizer, begin);
    }
  }
};

}  // namespace small
}  // namespace
}  // namespace myelin
