// A whole training step of a small fully connected network as one kernel: the layers forwards, a
// loss, the layers backwards, the guard, the update. Between instructions that take nanoseconds the
// way through memory and the choice of a loop cost more than the numbers do.
//
// Parameters and slots are copied into rows of whole vectors when a run begins and back when
// it ends; kernels are kept transposed as well, so that no product ends in a sum across lanes.
#pragma once
#include "small_layer.h"
#include "small_plan.h"

namespace myelin {
namespace {
namespace small {

constexpr int kArrays = 5;                  // parameters, gradients, up to three slots
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

// p -= learning rate * scale * g, of parameters side by side.
struct Descent {
  float* p;
  int64_t size, to_gradient;
  double scale;
};

template <int kLanes>
struct Step {
  int depth;
  Layer<kLanes> layers[kMostLayers];
  Loss<kLanes> loss;
  const float* input;
  const float* target;
  const float* weights;  // null: none
  int64_t target_size;
  bool sum;
  float* loss_output;
  Instruction updates[kMostLayers];  // over the step's own memory
  int update_count;
  Descent descents[kMostLayers];  // plain ones
  int descent_count;
  Parameter parameters[2 * kMostLayers];
  int parameter_count;
  int64_t block;  // floats of all parameters, of all gradients, of each slot
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
    floats += kernel_floats(net.layers[l], l == 0);
    if (net.layers[l].parameters() == 2) floats += round_up(net.layers[l].y().size, kWidth);
  }
  return floats;
}

// Parameters, gradients and slots.
inline int64_t arrays_of(const Network& net) {
  int64_t most = 2;
  for (int i = 0; i < net.optimizer_count; ++i) {
    most = max_int(most, net.optimizers[i]->input_count);
  }
  return most;
}

// Rows beside the parameters: two of each layer, two of the loss, one of zeros.
inline int64_t row_count(const Network& net) { return 2 * net.depth + 3; }

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
    float* zeros = take(kLanes);
    for (int l = 0; l < net.depth; ++l) {
      Layer<kLanes>& layer = s.layers[l];
      const Instruction& in = *net.layers[l].linear;
      const int function = function_of(in);
      layer.inputs = in.inputs[0].size;
      layer.outputs = in.outputs[0].size;
      layer.row = round_up(layer.outputs, kWidth);
      layer.column = round_up(layer.inputs, kWidth);
      layer.bias = zeros;
      layer.has_bias = in.input_count == 3;
      layer.y = take(kLanes);
      layer.dz = take(kLanes);
      layer.to_gradient = s.block;
      layer.alpha = attribute(in, 1);
      layer.beta = attribute(in, 2);
      layer.activate = Activations<kLanes, unary::Functions>::kActivate[function];
      layer.derive = Activations<kLanes, unary::Functions>::kDerive[function];
    }
    const Instruction& in = *net.loss;
    s.loss.run = Losses<kLanes, loss::Functions>::kRun[function_of(in)];
    s.loss.row = loss::Functions::kGrad[function_of(in)];
    s.loss.width = in.inputs[0].size;
    s.loss.c = {attribute(in, 1), attribute(in, 2)};
    s.loss.p = take(kLanes);
    s.loss.d = take(kLanes);
  }

  // The kernel (0) or bias (1) of a layer, whose slots are those of the optimizer, if any.
  void place(int l, int which, const Instruction* optimizer) {
    const Dense& dense = net.layers[l];
    Layer<kLanes>& layer = s.layers[l];
    Parameter& p = s.parameters[s.parameter_count++];
    p = {};
    p.arrays[0] = dense.parameter(which).data;
    p.rows = which == 0 ? layer.inputs : 1;
    p.columns = layer.outputs;
    p.stride = layer.row;
    p.own = take(p.rows * p.stride);
    if (which == 0 && l > 0) {
      p.transposed_stride = layer.column;
      p.transposed = layer.transposed = take(layer.outputs * layer.column);
    }
    (which == 0 ? layer.kernel : layer.bias) = p.own;
    if (!optimizer) return;
    for (int i = 0; i < optimizer->input_count; ++i) {
      p.arrays[i] = optimizer->inputs[i].data + (p.arrays[0] - optimizer->inputs[0].data);
    }
  }

  // The optimizer over the floats from `begin` to here.
  void update(const Instruction& optimizer, float* begin) {
    Instruction& in = s.updates[s.update_count++];
    in = optimizer;
    const int64_t n = next - begin;
    for (int i = 0; i < in.input_count; ++i) in.inputs[i] = vector_of(begin + i * s.block, n);
    for (int i = 0; i < in.output_count; ++i) in.outputs[i] = in.inputs[i ? i + 1 : 0];
  }

  // Goes on with the descent before where the scale is the same.
  void descend(double scale, float* begin) {
    if (s.descent_count == 0 || s.descents[s.descent_count - 1].scale != scale) {
      s.descents[s.descent_count++] = {begin, 0, s.block, scale};
    }
    Descent& last = s.descents[s.descent_count - 1];
    last.size = next - last.p;
  }

  // Parameters of one optimizer lie side by side.
  void place_parameters() {
    for (int l = 0; l < net.depth; ++l) {
      const Dense& layer = net.layers[l];
      if (!is(*layer.gradient, kLinearUpdate)) continue;
      float* begin = next;
      for (int i = 0; i < layer.parameters(); ++i) place(l, i, nullptr);
      descend(layer.gradient->attributes[0], begin);
    }
    for (int u = 0; u < net.optimizer_count; ++u) {
      float* begin = next;
      for (int l = 0; l < net.depth; ++l) {
        for (int i = 0; i < net.layers[l].parameters(); ++i) {
          if (net.layers[l].optimizers[i] == net.optimizers[u]) place(l, i, net.optimizers[u]);
        }
      }
      update(*net.optimizers[u], begin);
    }
  }
};

// ---- The kernel of the plan ----

template <int kLanes>
int64_t bytes(const PlanView& plan) {
  Network net;
  if (!read(plan, kLanes, net)) return 0;
  const int64_t block = block_floats(net);
  if (block > kMostFloats) return 0;
  const int64_t floats = arrays_of(net) * block + row_count(net) * kLanes;
  return round_up(sizeof(Step<kLanes>), 64) + floats * static_cast<int64_t>(sizeof(float));
}

template <int kLanes>
void build(const PlanView& plan, void* memory) {
  Network net;
  read(plan, kLanes, net);
  Step<kLanes>& s = *static_cast<Step<kLanes>*>(memory);
  const Instruction& in = *net.loss;
  s.depth = net.depth;
  s.block = block_floats(net);
  s.input = net.layers[0].x().data;
  s.target = in.inputs[1].data;
  s.target_size = in.inputs[1].size;
  s.weights = in.input_count == 3 ? in.inputs[2].data : nullptr;
  s.sum = in.attributes[3] == 1;
  s.loss_output = in.outputs[0].data;
  float* own =
      reinterpret_cast<float*>(static_cast<char*>(memory) + round_up(sizeof(Step<kLanes>), 64));
  Builder<kLanes> builder = {net, s, own};
  builder.place_rows();
  builder.place_parameters();
}

// Copies from the plan's memory to rows of whole vectors, or back.
template <bool kLoad>
MYELIN_INLINE void exchange(const Parameter& p, int64_t array, int64_t block) {
  float* own = p.own + array * block;
  float* transposed = p.transposed ? p.transposed + array * block : nullptr;
  for (int64_t i = 0; i < p.rows; ++i) {
    for (int64_t j = 0; j < p.columns; ++j) {
      float& theirs = p.arrays[array][i * p.columns + j];
      if (!kLoad) {
        theirs = own[i * p.stride + j];
        continue;
      }
      own[i * p.stride + j] = theirs;
      if (transposed) transposed[j * p.transposed_stride + i] = theirs;
    }
  }
}

template <int kLanes, bool kLoad>
void exchange_all(void* self) {
  const Step<kLanes>& s = *static_cast<const Step<kLanes>*>(self);
  for (int i = 0; i < s.parameter_count; ++i) {
    for (int64_t array = 0; array < kArrays; ++array) {
      if (s.parameters[i].arrays[array]) exchange<kLoad>(s.parameters[i], array, s.block);
    }
  }
}

// Sizes are whole vectors.
MYELIN_INLINE void descend(const Descent& d, const StepContext& ctx) {
  const double rate = static_cast<double>(ctx.learning_rate) * d.scale;
  const Vec step = broadcast(static_cast<float>(rate));
  const int64_t size = d.size;
  float* p = d.p;
  const float* g = p + d.to_gradient;
  for (int64_t i = 0; i < size; i += kWidth) store(p + i, load(p + i) - step * load(g + i));
}

template <int kLanes>
void run(void* self, const StepContext& ctx) {
  Step<kLanes>& s = *static_cast<Step<kLanes>*>(self);
  const double share = s.sum ? 1.0 : 1.0 / static_cast<double>(ctx.batch);
  const int64_t inputs = s.layers[0].inputs;
  Vec taint = zero();
  s.loss.total = 0.0;
  for (int64_t i = 0; i < ctx.batch; ++i) {
    const float* x = s.input + i * inputs;
    Row<kLanes> y = {};
    for (int l = 0; l < s.depth; ++l) {
      const Layer<kLanes>& layer = s.layers[l];
      y = layer.activate(layer, multiply(layer, l ? s.layers[l - 1].y : x, y));
    }
    const double weight = s.weights ? static_cast<double>(s.weights[i]) : 1.0;
    Row<kLanes> dy = s.loss.run(s.loss, y, s.target + i * s.target_size, weight, share);
    for (int l = s.depth - 1; l >= 0; --l) {
      const Layer<kLanes>& layer = s.layers[l];
      const float* in = l ? s.layers[l - 1].y : x;
      const Row<kLanes> dz = layer.derive(layer, dy, y);
      if (l > 0) {
        y = load_row<kLanes>(in, vectors<kLanes>(layer.inputs));
        dy = propagate(layer, y, dz, i > 0);
      }
      put_gradients(layer, in, dz, i > 0, taint);
    }
  }
  const float loss = static_cast<float>(s.loss.total * share);
  *s.loss_output = loss;
  if (loss * 0.0f != 0.0f || any(is_nan(taint))) {
    raise_flag(ctx.failed);
    return;
  }
  for (int d = 0; d < s.descent_count; ++d) descend(s.descents[d], ctx);
  for (int u = 0; u < s.update_count; ++u) {
    s.updates[u].kernel->run(s.updates[u], ctx, 0, 1);
  }
}

template <int kLanes>
constexpr PlanKernel plan_kernel() {
  return {bytes<kLanes>, build<kLanes>, exchange_all<kLanes, true>, run<kLanes>,
          exchange_all<kLanes, false>};
}

}  // namespace small

// Rows of one vector, which stay in registers, are tried first.
constexpr PlanKernel kPlanKernels[] = {small::plan_kernel<kWidth>(), small::plan_kernel<64>()};

}  // namespace
}  // namespace myelin
