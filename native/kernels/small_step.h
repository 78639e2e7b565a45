// A whole training step of a small fully connected network as one kernel: the layers forwards, a
// loss, the layers backwards, the guard, the update. Between instructions that take nanoseconds the
// way through memory and the choice of a loop cost more than the numbers do.
//
// Parameters and slots are copied into rows of whole vectors when a run begins and back when
// it ends; kernels are kept transposed as well, so that no product ends in a sum across lanes.
#pragma once
#include "small_memory.h"

namespace myelin {
namespace {
namespace small {

// Which input of the plan a value is; -1: none.
inline int input_of(const PlanView& plan, const Operand& x) {
  for (int i = 0; i < plan.input_count; ++i) {
    if (same(plan.inputs[i], x)) return i;
  }
  return -1;
}

inline bool reads_inputs(const PlanView& plan, const Network& net) {
  if (input_of(plan, net.layers[0].x()) < 0) return false;
  for (int i = 1; i < net.loss->input_count; ++i) {
    if (input_of(plan, net.loss->inputs[i]) < 0) return false;
  }
  return true;
}

// Samples go one by one; the tiles of gemm.h take several at a time, and win from here on.
template <int kLanes>
constexpr int64_t kMostSamples = kLanes == kWidth ? 4 : 1;

template <int kLanes>
int64_t bytes(const PlanView& plan) {
  Network net;
  if (plan.capacity > kMostSamples<kLanes>) return 0;
  if (!read(plan, kLanes, net) || !reads_inputs(plan, net)) return 0;
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
  s.input = input_of(plan, net.layers[0].x());
  s.target = input_of(plan, in.inputs[1]);
  s.target_size = in.inputs[1].size;
  s.weights = in.input_count == 3 ? input_of(plan, in.inputs[2]) : -1;
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
MYELIN_INLINE void exchange(const Parameter& p, float* array, int64_t offset) {
  float* own = p.own + offset;
  float* transposed = p.transposed ? p.transposed + offset : nullptr;
  for (int64_t i = 0; i < p.rows; ++i) {
    for (int64_t j = 0; j < p.columns; ++j) {
      float& theirs = array[i * p.columns + j];
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
  Step<kLanes>& s = *static_cast<Step<kLanes>*>(self);
  if (kLoad) s.swapped = false;
  for (int i = 0; i < s.parameter_count; ++i) {
    const Parameter& p = s.parameters[i];
    exchange<kLoad>(p, p.arrays[0], s.now());
    for (int64_t array = 1; array < kArrays; ++array) {
      if (p.arrays[array]) exchange<kLoad>(p, p.arrays[array], array * s.block);
    }
  }
}

struct Sample {
  const float *x, *target;
  double weight;
};

// Goes over the rows of steps.
template <int kLanes>
class Reader {
 public:
  MYELIN_INLINE Reader(const Step<kLanes>& s, const Steps& steps)
      : x_(steps.inputs[s.input]),
        target_(steps.inputs[s.target]),
        weights_(s.weights < 0 ? nullptr : steps.inputs[s.weights]),
        width_(s.layers[0].inputs),
        target_width_(s.target_size),
        order_(steps.order),
        last_row_(steps.last_row),
        row_(steps.row),
        epoch_rows_(steps.epoch_rows),
        batch_size_(steps.batch_size) {}

  // Of the step that begins here.
  MYELIN_INLINE int64_t rows() const { return min_int(batch_size_, epoch_rows_ - row_); }

  MYELIN_INLINE Sample next() {
    int64_t row = row_;
    // Read once, so that the row that is checked is the one that is used.
    if (order_) row = min_int(*static_cast<const volatile uint32_t*>(order_++), last_row_);
    if (++row_ == epoch_rows_) row_ = 0;
    return {x_ + row * width_, target_ + row * target_width_,
            weights_ ? static_cast<double>(weights_[row]) : 1.0};
  }

 private:
  const float *x_, *target_, *weights_;
  int64_t width_, target_width_;
  const uint32_t* order_;
  int64_t last_row_;
  int64_t row_;  // of the epoch, not in the order in which they are read
  int64_t epoch_rows_, batch_size_;
};

template <bool kDescend, bool kAdd, int kLanes>
MYELIN_INLINE void backward(const Step<kLanes>& s, const float* x, Row<kLanes> dy, Sink& sink) {
  for (int l = s.depth - 1; l > 0; --l) {
    const Layer<kLanes>& layer = s.layers[l];
    const float* in = s.layers[l - 1].y;
    const Row<kLanes> dz = derive(layer, dy);
    const Row<kLanes> below = load_row<kLanes>(in, vectors<kLanes>(layer.inputs));
    dy = propagate<kDescend, kAdd>(layer, below, dz, sink);
    sink_gradients<kDescend, kAdd>(layer, in, dz, sink);
  }
  sink_gradients<kDescend, kAdd>(s.layers[0], x, derive(s.layers[0], dy), sink);
}

template <int kLanes>
MYELIN_INLINE void backward(const Step<kLanes>& s, const float* x, Row<kLanes> dy, bool descend,
                            bool add, Sink& sink) {
  if (!add && descend) return backward<true, false>(s, x, dy, sink);
  if (!add) return backward<false, false>(s, x, dy, sink);
  if (kMostSamples<kLanes> == 1) return;
  if (descend) return backward<true, true>(s, x, dy, sink);
  backward<false, true>(s, x, dy, sink);
}

// One step on the samples that come next. False: it is not finite, and nothing has changed.
template <int kLanes>
MYELIN_INLINE bool run_step(Step<kLanes>& s, const StepContext& ctx, Reader<kLanes>& reader) {
  const bool descends = s.update_count == 0;
  Sink sink = s.sink();
  s.loss.total = 0.0;
  for (int64_t i = 0; i < ctx.batch; ++i) {
    const Sample sample = reader.next();
    Row<kLanes> y = {};
    for (int l = 0; l < s.depth; ++l) {
      const Layer<kLanes>& layer = s.layers[l];
      y = layer.activate(layer, multiply(layer, l ? s.layers[l - 1].y : sample.x, y, sink.now));
    }
    const Row<kLanes> dy = s.loss.run(s.loss, y, sample.target, sample.weight, s.share);
    backward(s, sample.x, dy, descends && i + 1 == ctx.batch, i > 0, sink);
  }
  const float loss = static_cast<float>(s.loss.total * s.share);
  *s.loss_output = loss;
  if (loss * 0.0f != 0.0f || any(is_nan(sink.taint))) return false;
  s.swapped ^= descends;
  for (int u = 0; u < s.update_count; ++u) {
    s.updates[u].kernel->run(s.updates[u], ctx, 0, 1);
  }
  return true;
}

template <int kLanes>
int64_t run(void* self, const StepContext& first, const Steps& steps) {
  Step<kLanes>& s = *static_cast<Step<kLanes>*>(self);
  Reader<kLanes> reader(s, steps);
  StepContext ctx = first;
  for (int64_t n = 0; n < steps.count; ++n, ++ctx.step) {
    ctx.batch = reader.rows();
    ctx.learning_rate = steps.learning_rates[steps.constant_rate ? 0 : n];
    if (ctx.learning_rate != s.learning_rate || ctx.batch != s.batch) {
      s.set(ctx.learning_rate, ctx.batch);
    }
    if (!run_step(s, ctx, reader)) {
      raise_flag(ctx.failed);
      return n;
    }
    if (steps.losses) steps.losses[n] = *s.loss_output;
  }
  return steps.count;
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
