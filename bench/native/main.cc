// Measures single operations. Reads requests from standard input, a line each, and answers each
// with a line of JSON; bench/suites/kernels.mjs decides what is measured in which order.
//
//   myelin_bench [--cpu N] [--isa NAME | --library PATH]
//
//   --cpu N: whatever has one thread runs on that CPU
//
//   describe                                       {"describe": "avx512"}
//   product NN|NT|TN M K N threads milliseconds    {"seconds": of a call, "error": largest}
//   function NAME elements threads milliseconds    {"seconds": of a call}
//   fma|dot threads milliseconds                   {"rate": operations a second}
//   read|copy bytes-a-thread threads milliseconds  {"rate": bytes a second}
//
// A request that cannot be served is answered by {"failure": "why"}.
#include <cstdio>
#include <iostream>
#include <sstream>

#include "cpu.h"
#include "denormals.h"
#include "limits.h"
#include "product.h"
#include "runner.h"
#include "timing.h"

namespace myelin::bench {
namespace {

// Reproducible numbers in [-0.5, 0.5), in huge pages as a network's memory is.
class Memory {
 public:
  explicit Memory(int64_t count)
      : data_(static_cast<float*>(::operator new(bytes(count), kHugePageAlignment))) {
    // Before the first touch: pages that are there stay small.
    advise_huge_pages(data_.get(), bytes(count));
    uint32_t state = 12345;
    for (int64_t i = 0; i < count; i++) {
      state = state * 1664525u + 1013904223u;
      data_.get()[i] = static_cast<float>(state >> 8) / 16777216.0f - 0.5f;
    }
  }
  float* data() { return data_.get(); }

 private:
  static constexpr std::align_val_t kHugePageAlignment{kHugePage};

  static size_t bytes(int64_t count) { return static_cast<size_t>(count) * sizeof(float); }

  struct Deleter {
    void operator()(float* memory) const { ::operator delete(memory, kHugePageAlignment); }
  };

  std::unique_ptr<float, Deleter> data_;
};

// The largest difference of some elements of C from their sums in double.
double product_error(const Shape& s, const float* a, const float* b, const float* c) {
  double largest = 0;
  for (int64_t t = 0; t < 8; t++) {
    const int64_t i = t * 7919 % s.m, j = t * 104729 % s.n;
    double sum = 0;
    for (int64_t k = 0; k < s.k; k++) {
      const float x = s.mode == Mode::kTN ? a[k * s.m + i] : a[i * s.k + k];
      const float y = s.mode == Mode::kNT ? b[j * s.k + k] : b[k * s.n + j];
      sum += static_cast<double>(x) * static_cast<double>(y);
    }
    const double error = std::abs(static_cast<double>(c[i * s.n + j]) - sum);
    // NaN is not larger than anything.
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

class Meter {
 public:
  Meter(const KernelTable& table, std::unique_ptr<Multiplier> multiplier, int cpu)
      : table_(table),
        limits_(find_limits(table.isa)),
        multiplier_(std::move(multiplier)),
        cpu_(cpu) {}

  std::string answer(const std::string& line) {
    std::istringstream request(line);
    std::string what;
    request >> what;
    if (what == "describe") return quoted("describe", multiplier_->describe());
    if (what == "product" || what == "product16") return product(request, what == "product16");
    if (what == "function") return function(request);
    if (what == "fma" || what == "dot") return arithmetic(what, request);
    if (what == "read" || what == "copy") return traffic(what, request);
    throw std::runtime_error("unknown request " + what);
  }

  static std::string quoted(const char* name, const std::string& text) {
    std::string out = std::string("{\"") + name + "\": \"";
    for (char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return out + "\"}";
  }

 private:
  static constexpr int64_t kLargest = 2048 * 2048;
  // Every thread reads this much, beyond all caches together.
  static constexpr int64_t kTraffic = int64_t{256 << 20} / sizeof(float);

  template <class... Values>
  static void parse(std::istream& request, Values&... values) {
    if (!(request >> ... >> values)) throw std::runtime_error("not enough numbers");
  }

  static std::string number(const char* name, double value) {
    char text[64];
    std::snprintf(text, sizeof text, "{\"%s\": %.6g}", name, value);
    return text;
  }

  // `count` floats, the same memory for the same place.
  float* memory(size_t place, int64_t count) {
    if (memory_.size() <= place) memory_.resize(place + 1);
    if (!memory_[place]) memory_[place] = std::make_unique<Memory>(count);
    return memory_[place]->data();
  }

  std::string product(std::istream& request, bool bf16) {
    std::string mode;
    Shape s{};
    int threads = 0;
    double milliseconds = 0;
    parse(request, mode, s.m, s.k, s.n, threads, milliseconds);
    cpu_.use(threads);
    s.bf16 = bf16;
    s.mode = mode == "NT" ? Mode::kNT : mode == "TN" ? Mode::kTN : Mode::kNN;
    for (int64_t size : {int64_t{s.m} * s.k, int64_t{s.k} * s.n, int64_t{s.m} * s.n}) {
      if (size < 1 || size > kLargest) throw std::runtime_error("a matrix is empty or too large");
    }
    float *a = memory(0, kLargest), *b = memory(1, kLargest), *c = memory(2, kLargest);
    const double seconds = seconds_per_call(milliseconds * 1e-3, [&](int64_t calls) {
      const double start = now();
      multiplier_->run(s, threads, calls, a, b, c);
      return now() - start;
    });
    char text[96];
    std::snprintf(text, sizeof text, "{\"seconds\": %.6g, \"error\": %.3g}", seconds,
                  product_error(s, a, b, c));
    return text;
  }

  std::string function(std::istream& request) {
    std::string name;
    int64_t elements = 0;
    int threads = 0;
    double milliseconds = 0;
    parse(request, name, elements, threads, milliseconds);
    if (elements < 1 || elements > kLargest) throw std::runtime_error("too many elements");
    cpu_.use(threads);
    const Instruction instruction = make_function(name, elements);
    FlushDenormals flush;  // as in a training
    return number("seconds", seconds_per_call(milliseconds * 1e-3, [&](int64_t calls) {
                    const double start = now();
                    runner_.run(instruction, threads, calls);
                    return now() - start;
                  }));
  }

  // Softmax has rows of ten, as a classifier of digits does.
  Instruction make_function(const std::string& name, int64_t elements) {
    const Operand x = matrix(memory(0, kLargest), 1, elements);
    const Operand y = matrix(memory(1, kLargest), 1, elements);
    if (name == "adam") {
      const Operand m = matrix(memory(2, kLargest), 1, elements);
      const Operand v = matrix(memory(3, kLargest), 1, elements);
      // The mean of squares is not negative.
      for (int64_t i = 0; i < elements; i++) v.data[i] = v.data[i] * v.data[i];
      return make_instruction(table_, "adam", "", {1, 0, 0.9, 0.999, 1e-7}, {x, y, m, v},
                              {x, m, v});
    }
    if (name == "softmax") {
      constexpr int64_t kClasses = 10;
      return make_instruction(table_, "softmax", "", {},
                              {matrix(x.data, elements / kClasses, kClasses)},
                              {matrix(y.data, elements / kClasses, kClasses)});
    }
    return make_instruction(table_, "unary", name, {0, 0}, {x}, {y});
  }

  std::string arithmetic(const std::string& what, std::istream& request) const {
    int threads = 0;
    double milliseconds = 0;
    parse(request, threads, milliseconds);
    cpu_.use(threads);
    const bool dot = what == "dot";
    const auto run = dot ? limits().dot : limits().fma;
    constexpr int64_t kRounds = 64;
    const double seconds = seconds_per_call(milliseconds * 1e-3, [&](int64_t calls) {
      return seconds_on(threads, [&](int) { sink_ = run(calls * kRounds); });
    });
    const int64_t operations = dot ? limits().dot_operations : limits().fma_operations;
    return number("rate", static_cast<double>(operations * kRounds * threads) / seconds);
  }

  std::string traffic(const std::string& what, std::istream& request) {
    int64_t bytes = 0;
    int threads = 0;
    double milliseconds = 0;
    parse(request, bytes, threads, milliseconds);
    cpu_.use(threads);
    const bool copying = what == "copy";
    // A copy's footprint is both halves.
    const int64_t floats = bytes / static_cast<int64_t>(sizeof(float));
    const int64_t count = floats / (copying ? 2 * kBlock : kBlock) * kBlock;
    if (count < 1 || floats > kTraffic) throw std::runtime_error("too few or too many bytes");
    for (int t = 0; t < threads; t++) memory(4 + static_cast<size_t>(t), kTraffic);
    const double seconds = seconds_per_call(milliseconds * 1e-3, [&](int64_t calls) {
      return seconds_on(threads, [&](int thread) {
        float* data = memory(4 + static_cast<size_t>(thread), kTraffic);
        for (int64_t i = 0; i < calls; i++) {
          if (copying) {
            limits().copy(data + count, data, count);
          } else {
            sink_ = limits().read(data, count);
          }
        }
      });
    });
    const auto moved = static_cast<double>((copying ? 2 : 1) * count * threads * int64_t{4});
    return number("rate", moved / seconds);
  }

  const Limits& limits() const {
    if (!limits_) throw std::runtime_error(std::string("no limits for ") + table_.isa);
    return *limits_;
  }

  // What is written here cannot be left out of a loop; each thread has its own.
  static thread_local volatile float sink_;

  const KernelTable& table_;
  const Limits* limits_;
  std::unique_ptr<Multiplier> multiplier_;
  SingleCpu cpu_;
  InstructionRunner runner_;
  std::vector<std::unique_ptr<Memory>> memory_;
};

thread_local volatile float Meter::sink_ = 0;

Meter make_meter(int argc, char** argv) {
  const KernelTable* table = usable_tables().front();
  std::unique_ptr<Multiplier> multiplier;
  int cpu = -1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i], value = argv[i + 1];
    if (option == "--cpu") {
      cpu = std::stoi(value);
    } else if (option == "--isa") {
      table = find_table(value);
      if (!table) throw std::runtime_error("this machine runs " + usable_names());
    } else if (option == "--library") {
      multiplier = library_multiplier(value);
    } else {
      throw std::runtime_error("unknown option " + option);
    }
  }
  if (!multiplier) multiplier = myelin_multiplier(*table);
  return {*table, std::move(multiplier), cpu};
}

// A line at once: the other side waits for it.
void say(const std::string& answer) { std::cout << answer << '\n' << std::flush; }

int serve(int argc, char** argv) {
  std::string line;
  try {
    Meter meter = make_meter(argc, argv);
    while (std::getline(std::cin, line)) {
      try {
        say(meter.answer(line));
      } catch (const std::exception& error) {
        say(Meter::quoted("failure", error.what()));
      }
    }
    return 0;
  } catch (const std::exception& error) {
    // Every request gets this answer.
    while (std::getline(std::cin, line)) {
      say(Meter::quoted("failure", error.what()));
    }
    return 1;
  }
}

}  // namespace
}  // namespace myelin::bench

int main(int argc, char** argv) { return myelin::bench::serve(argc, argv); }
