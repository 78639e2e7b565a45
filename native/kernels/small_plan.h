// Reads off a plan's instructions whether all they do is to train a small fully connected network,
// and which instruction is which part of it. See small_step.h.
#pragma once
#include <string.h>

#include <initializer_list>

#include "common.h"

namespace myelin {
namespace {
namespace small {

constexpr int kMostLayers = 8;

// By name: the instructions of a plan may be another unit's.
inline bool is(const Instruction& in, const char* name) {
  return strcmp(in.kernel->name, name) == 0;
}

inline bool is_optimizer(const Instruction& in) {
  for (const char* name :
       {"sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamax", "nadam", "lion"}) {
    if (is(in, name)) return true;
  }
  return false;
}

inline bool same(const Operand& a, const Operand& b) { return a.data == b.data && same_size(a, b); }

inline bool covers(const Operand& whole, const Operand& part) {
  return part.data >= whole.data && part.data + part.size <= whole.data + whole.size;
}

// One layer as its instructions name it.
struct Dense {
  const Instruction* linear;
  const Operand* dz;                 // once its instruction has come
  const Instruction* gradient;       // linearGradKernel or linearUpdate
  const Instruction* optimizers[2];  // of kernel and bias, where it is linearGradKernel
  bool guarded;

  const Operand& x() const { return linear->inputs[0]; }
  const Operand& y() const { return linear->outputs[0]; }
  int parameters() const { return linear->input_count - 1; }
  const Operand& parameter(int i) const { return linear->inputs[1 + i]; }
};

struct Network {
  Dense layers[kMostLayers];
  int depth;
  const Instruction* loss;
  const Instruction* optimizers[kMostLayers];
  int optimizer_count;

  // Plain gradient descent, which the plan folds into the products.
  bool descends() const { return is(*layers[0].gradient, "linearUpdate"); }

  Dense* of(const Operand& x, const Operand& dz) {
    for (int i = 0; i < depth; ++i) {
      if (same(layers[i].x(), x) && layers[i].dz && same(*layers[i].dz, dz)) return &layers[i];
    }
    return nullptr;
  }
};

inline bool is_vector_row(const Operand& x, int64_t most) {
  return x.batched && x.size == width_of(x) && x.size <= most;
}

inline bool same_function(const Instruction& grad, const Instruction& linear) {
  return grad.attributes[0] == linear.attributes[0] && grad.attributes[1] == linear.attributes[1] &&
         grad.attributes[2] == linear.attributes[2];
}

// Layers, then the loss of the last one; returns how many instructions that is, 0 where it is not.
inline int read_forward(const PlanView& plan, int64_t most, Network& net) {
  int i = 0;
  for (; i < plan.count && is(plan.instructions[i], "linear"); ++i) {
    const Instruction& in = plan.instructions[i];
    if (net.depth == kMostLayers || !is_vector_row(in.inputs[0], most) ||
        !is_vector_row(in.outputs[0], most)) {
      return 0;
    }
    if (net.depth > 0 && !same(in.inputs[0], net.layers[net.depth - 1].y())) return 0;
    net.layers[net.depth++].linear = &in;
  }
  if (i == plan.count || net.depth == 0 || !is(plan.instructions[i], "loss")) return 0;
  net.loss = &plan.instructions[i];
  const Instruction& last = *net.layers[net.depth - 1].linear;
  const bool fits = net.loss->output_count == 2 && same(net.loss->inputs[0], last.outputs[0]);
  return fits ? i + 1 : 0;
}

// The gradient before an activation that nothing else absorbed: only the last layer has it.
inline bool read_last(const Instruction& in, Network& net) {
  Dense& last = net.layers[net.depth - 1];
  if (last.dz || !same(in.inputs[0], net.loss->outputs[1]) || !same(in.inputs[1], last.y()) ||
      !same_function(in, *last.linear)) {
    return false;
  }
  last.dz = &in.outputs[0];
  return true;
}

inline bool read_gradient_input(const Instruction& in, Network& net) {
  for (int i = 1; i < net.depth; ++i) {
    Dense &below = net.layers[i - 1], &layer = net.layers[i];
    if (below.dz || !layer.dz || !same(in.inputs[0], *layer.dz)) continue;
    if (!same(in.inputs[1], layer.parameter(0)) || !same_function(in, *below.linear)) return false;
    if (in.input_count == 3 && !same(in.inputs[2], below.y())) return false;
    below.dz = &in.outputs[0];
    return true;
  }
  return false;
}

inline bool read_update(const Instruction& in, Network& net) {
  Dense* layer = net.of(in.inputs[0], in.inputs[1]);
  if (!layer || layer->gradient || layer->parameters() != in.output_count) return false;
  for (int i = 0; i < in.output_count; ++i) {
    if (!same(in.outputs[i], layer->parameter(i))) return false;
  }
  layer->gradient = &in;
  return true;
}

inline bool read_gradient(const Instruction& in, Network& net) {
  Dense* layer = net.of(in.inputs[0], in.inputs[1]);
  if (!layer || layer->gradient || layer->parameters() != in.output_count) return false;
  layer->gradient = &in;
  return true;
}

// Of loss and gradients, which must have come before.
inline bool read_guard(const Instruction& in, Network& net, bool& loss_guarded) {
  for (int i = 0; i < in.input_count; ++i) {
    loss_guarded |= same(in.inputs[i], net.loss->outputs[0]);
    for (int l = 0; l < net.depth; ++l) {
      Dense& layer = net.layers[l];
      if (!layer.gradient || !is(*layer.gradient, "linearGradKernel")) continue;
      layer.guarded |= covers(in.inputs[i], layer.gradient->outputs[0]);
    }
  }
  return true;
}

inline bool read_optimizer(const Instruction& in, Network& net) {
  const Operand &block = in.inputs[0], &gradients = in.inputs[1];
  int64_t covered = 0;
  for (int l = 0; l < net.depth; ++l) {
    Dense& layer = net.layers[l];
    if (!layer.gradient || !is(*layer.gradient, "linearGradKernel")) continue;
    for (int i = 0; i < layer.parameters(); ++i) {
      const Operand &p = layer.parameter(i), &g = layer.gradient->outputs[i];
      if (!covers(block, p)) continue;
      if (layer.optimizers[i] || g.data - gradients.data != p.data - block.data) return false;
      layer.optimizers[i] = &in;
      covered += round_up(p.size, kLine);
    }
  }
  // Nothing else may lie in the block.
  if (covered != round_up(block.size, kLine) || net.optimizer_count == kMostLayers) return false;
  net.optimizers[net.optimizer_count++] = &in;
  return true;
}

// Whether every parameter is updated behind the guard, all by descents or all by optimizers.
inline bool complete(const Network& net, bool loss_guarded) {
  for (int l = 0; l < net.depth; ++l) {
    const Dense& layer = net.layers[l];
    if (!layer.gradient || !layer.guarded) return false;
    if (is(*layer.gradient, "linearUpdate") != net.descends()) return false;
    for (int i = 0; !net.descends() && i < layer.parameters(); ++i) {
      if (!layer.optimizers[i]) return false;
    }
  }
  return loss_guarded;
}

// Whether all that the plan does is to train such a network.
inline bool read(const PlanView& plan, int64_t most, Network& net) {
  net = {};
  const int forward = read_forward(plan, most, net);
  if (forward == 0) return false;
  if (plan.output_count != 1 || !same(plan.outputs[0], net.loss->outputs[0])) return false;
  Dense& last = net.layers[net.depth - 1];
  if (function_of(*last.linear) == 0) last.dz = &net.loss->outputs[1];
  bool loss_guarded = false;
  for (int i = forward; i < plan.count; ++i) {
    const Instruction& in = plan.instructions[i];
    bool known = false;
    if (is(in, "unaryGrad")) {
      known = read_last(in, net);
    } else if (is(in, "linearGradInput")) {
      known = read_gradient_input(in, net);
    } else if (is(in, "linearGradKernel")) {
      known = read_gradient(in, net);
    } else if (is(in, "linearGuard")) {
      Dense* layer = net.of(in.inputs[0], in.inputs[1]);
      known = layer != nullptr;
      if (layer) layer->guarded = true;
    } else if (is(in, "linearUpdate")) {
      known = read_update(in, net);
    } else if (is(in, "guard")) {
      known = read_guard(in, net, loss_guarded);
    } else if (is_optimizer(in)) {
      known = read_optimizer(in, net);
    }
    if (!known) return false;
  }
  return complete(net, loss_guarded);
}

}  // namespace small
}  // namespace
}  // namespace myelin
