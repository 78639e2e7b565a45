// Plans that train fully connected networks, as lib/training/compile.ts makes them.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "plan_builder.h"

namespace myelin::test {

struct DenseNetwork {
  std::vector<uint32_t> widths;        // of the input and of each layer
  std::vector<std::string> functions;  // of each layer; the last one repeats
  std::string loss = "meanSquaredError";
  std::string optimizer = "";  // empty: plain descent, folded into the products
  std::vector<AttributeSpec> optimizer_attributes = {};
  uint32_t slots = 0;
  bool fused = false;  // the optimizer is within the products
  bool bf16 = false;   // products of rounded factors
  bool bias = true;
  bool weighted = false;
  bool sparse = false;  // the target is a class index
  uint32_t capacity = 4;

  size_t depth() const { return widths.size() - 1; }
  const std::string& function(size_t layer) const {
    return functions[std::min(layer, functions.size() - 1)];
  }
};

class DensePlan {
 public:
  explicit DensePlan(const DenseNetwork& network) : net_(network) {
    spec_.capacity = net_.capacity;
    forward();
    backward();
    spec_.sizes[1] = net_.slots * spec_.sizes[0];
    update();
  }

  const PlanSpec& spec() const { return spec_; }

 private:
  static constexpr double kAlpha = 0.25, kBeta = 2;

  BufferSpec take(uint32_t region, bool batched, std::vector<uint32_t> shape) {
    uint32_t size = batched ? net_.capacity : 1;
    for (uint32_t length : shape) size *= length;
    uint32_t offset = spec_.sizes[region];
    spec_.sizes[region] += (size + 15) / 16 * 16;
    return {region, offset, batched, std::move(shape)};
  }

  void add(const std::string& op, std::vector<BufferSpec> inputs, std::vector<BufferSpec> outputs,
           std::vector<AttributeSpec> attributes) {
    spec_.instructions.push_back(
        {op, std::move(inputs), std::move(outputs), std::move(attributes)});
  }

  std::string product(const std::string& op) const { return net_.bf16 ? op + "Bf16" : op; }

  void forward() {
    x_.push_back(take(3, true, {net_.widths[0]}));
    spec_.inputs.push_back({"x", x_[0]});
    for (size_t l = 0; l < net_.depth(); l++) {
      parameters_.push_back({take(0, false, {net_.widths[l], net_.widths[l + 1]})});
      if (net_.bias) parameters_[l].push_back(take(0, false, {net_.widths[l + 1]}));
      x_.push_back(take(4, true, {net_.widths[l + 1]}));
      std::vector<BufferSpec> inputs = {x_[l]};
      inputs.insert(inputs.end(), parameters_[l].begin(), parameters_[l].end());
      add(product("linear"), inputs, {x_[l + 1]}, {net_.function(l), kAlpha, kBeta});
    }
    BufferSpec target = take(3, true, {net_.sparse ? 1 : net_.widths.back()});
    spec_.inputs.push_back({"y", target});
    std::vector<BufferSpec> inputs = {x_.back(), target};
    if (net_.weighted) {
      inputs.push_back(take(3, true, {}));
      spec_.inputs.push_back({"weight", inputs.back()});
    }
    loss_ = take(4, false, {});
    dy_ = take(4, true, {net_.widths.back()});
    spec_.outputs.push_back({"loss", loss_});
    add("loss", inputs, {loss_, dy_}, {net_.loss, kAlpha, kBeta, 0.0, 1.0});
  }

  void backward() {
    dz_.resize(net_.depth(), dy_);
    size_t last = net_.depth() - 1;
    if (net_.function(last) != "linear") {
      add("unaryGrad", {dy_, x_.back()}, {dy_}, {net_.function(last), kAlpha, kBeta});
    }
    for (size_t l = last; l > 0; l--) {
      dz_[l - 1] = take(4, true, {net_.widths[l]});
      std::vector<BufferSpec> inputs = {dz_[l], parameters_[l][0]};
      if (net_.function(l - 1) != "linear") inputs.push_back(x_[l]);
      add(product("linearGradInput"), inputs, {dz_[l - 1]}, {net_.function(l - 1), kAlpha, kBeta});
    }
  }

  // A parameter and its slots, each `size` after the one before.
  std::vector<BufferSpec> with_slots(const BufferSpec& parameter, uint32_t size) const {
    std::vector<BufferSpec> result = {parameter};
    for (uint32_t i = 0; i < net_.slots; i++) {
      result.push_back({1, i * size + parameter.offset, false, parameter.shape});
    }
    return result;
  }

  std::vector<AttributeSpec> optimizer_attributes() const {
    std::vector<AttributeSpec> attributes = {1.0, 0.01};
    attributes.insert(attributes.end(), net_.optimizer_attributes.begin(),
                      net_.optimizer_attributes.end());
    return attributes;
  }

  void update_within_products() {
    std::string op = net_.optimizer;
    op[0] = static_cast<char>(op[0] - 'a' + 'A');
    std::vector<AttributeSpec> attributes = optimizer_attributes();
    attributes.push_back(net_.bias ? 1.0 : 0.0);
    for (size_t l = 0; l < net_.depth(); l++) {
      std::vector<BufferSpec> own, inputs = {x_[l], dz_[l]};
      for (const BufferSpec& parameter : parameters_[l]) {
        for (BufferSpec& buffer : with_slots(parameter, spec_.sizes[0])) own.push_back(buffer);
      }
      inputs.insert(inputs.end(), own.begin(), own.end());
      add(product("linear" + op), inputs, own, attributes);
    }
  }

  void update() {
    bool plain = net_.optimizer.empty();
    for (size_t l = 0; l < net_.depth(); l++) {
      if (plain || net_.fused) {
        add(product("linearGuard"), {x_[l], dz_[l]}, {}, {});
        continue;
      }
      std::vector<BufferSpec> gradients = parameters_[l];
      for (BufferSpec& gradient : gradients) gradient.region = 2;
      add(product("linearGradKernel"), {x_[l], dz_[l]}, gradients, {net_.bias ? 1.0 : 0.0});
    }
    if (plain) {
      add("guard", {loss_}, {}, {});
      for (size_t l = 0; l < net_.depth(); l++) {
        std::vector<BufferSpec> inputs = {x_[l], dz_[l]};
        inputs.insert(inputs.end(), parameters_[l].begin(), parameters_[l].end());
        add(product("linearUpdate"), inputs, parameters_[l], {l == 0 ? 0.5 : 1.0});
      }
      return;
    }
    if (net_.fused) {
      add("guard", {loss_}, {}, {});
      return update_within_products();
    }
    uint32_t size = spec_.sizes[2] = spec_.sizes[0];
    BufferSpec gradient{2, 0, false, {size}};
    add("guard", {loss_, gradient}, {}, {});
    std::vector<BufferSpec> outputs = with_slots({0, 0, false, {size}}, size), inputs = outputs;
    inputs.insert(inputs.begin() + 1, gradient);
    add(net_.optimizer, inputs, outputs, optimizer_attributes());
  }

  DenseNetwork net_;
  PlanSpec spec_;
  std::vector<BufferSpec> x_;  // each layer's input, and the output of the last one
  std::vector<std::vector<BufferSpec>> parameters_;
  std::vector<BufferSpec> dz_;
  BufferSpec loss_, dy_;
};

}  // namespace myelin::test
