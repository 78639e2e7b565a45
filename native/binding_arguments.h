// Checks and converts what JavaScript passes. A part of binding.cc: nothing else includes it.
#pragma once
#include <napi.h>

#include <cmath>
#include <string>

#include "job.h"

namespace myelin {

constexpr double kMaxSafeInteger = 9007199254740991.0;

// How a received value reads in a message.
inline std::string describe(const Napi::Value& value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
    case napi_number:
      return value.ToString().Utf8Value();
    case napi_string:
      return std::string("\"").append(value.ToString().Utf8Value(), 0, 60).append("\"");
    case napi_function:
      return "a function";
    case napi_object:
      break;
    default:
      return "a value of another type";
  }
  if (value.IsArray()) {
    return "an array of length " + std::to_string(value.As<Napi::Array>().Length());
  }
  if (value.IsTypedArray()) {
    return "a typed array of length " +
           std::to_string(value.As<Napi::TypedArray>().ElementLength());
  }
  return "an object";
}

[[noreturn]] inline void refuse(const std::string& where, const std::string& expectation,
                                const Napi::Value& received) {
  throw Napi::TypeError::New(received.Env(),
                             where + " must be " + expectation + ", got " + describe(received));
}

inline double number(const Napi::Value& value, const std::string& where) {
  if (!value.IsNumber()) refuse(where, "a number", value);
  return value.As<Napi::Number>().DoubleValue();
}

inline int64_t integer(const Napi::Value& value, const std::string& where, double low,
                       double high) {
  double result = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(result >= low && result <= high) || result != std::floor(result)) {
    refuse(where,
           "an integer from " + std::to_string(static_cast<int64_t>(low)) + " to " +
               std::to_string(static_cast<int64_t>(high)),
           value);
  }
  return static_cast<int64_t>(result);
}

inline Napi::Object object(const Napi::Value& value, const std::string& where) {
  if (!value.IsObject()) refuse(where, "an object", value);
  return value.As<Napi::Object>();
}

inline Napi::Array array(const Napi::Value& value, const std::string& where) {
  if (!value.IsArray()) refuse(where, "an array", value);
  return value.As<Napi::Array>();
}

// The memory of a typed array. Napi::TypedArray cannot see one over shared memory.
struct View {
  napi_typedarray_type type = napi_uint8_array;
  size_t length = 0;
  void* data = nullptr;
  bool shared = false;
};

inline View view(const Napi::Value& value, const std::string& where) {
  if (!value.IsTypedArray()) refuse(where, "a typed array", value);
  Napi::Env env = value.Env();
  View result;
  napi_value buffer;
  napi_status status = napi_get_typedarray_info(env, value, &result.type, &result.length,
                                                &result.data, &buffer, nullptr);
  if (status != napi_ok) throw Napi::Error::New(env);
  result.shared = !Napi::Value(env, buffer).IsArrayBuffer();
  return result;
}

inline View typed_view(const Napi::Value& value, const std::string& where,
                       napi_typedarray_type type, const char* name) {
  if (!value.IsTypedArray()) refuse(where, name, value);
  View result = view(value, where);
  if (result.type != type) refuse(where, name, value);
  return result;
}

inline ElementType element_type(const View& view, const Napi::Value& value,
                                const std::string& where) {
  switch (view.type) {
    case napi_float32_array:
      return ElementType::kFloat32;
    case napi_float64_array:
      return ElementType::kFloat64;
    case napi_int8_array:
      return ElementType::kInt8;
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return ElementType::kUint8;
    case napi_int16_array:
      return ElementType::kInt16;
    case napi_uint16_array:
      return ElementType::kUint16;
    case napi_int32_array:
      return ElementType::kInt32;
    case napi_uint32_array:
      return ElementType::kUint32;
    default:
      refuse(where, "a typed array of float32, float64 or an integer type up to 32 bits", value);
  }
}

// Turns a job object into a Job, and collects the arrays that it points into.
class JobReader {
 public:
  // `concurrent`: JavaScript runs while the job does, and could take an ArrayBuffer away under it
  // (transfer it to another thread, resize it). References do not prevent that, so that such a job
  // must lie in shared memory.
  JobReader(const Napi::Value& value, bool concurrent)
      : source_(object(value, "job")), concurrent_(concurrent) {
    if (concurrent) pins_ = Napi::Array::New(value.Env());
  }

  Job read() {
    Job job;
    Napi::Array data = columns(job);
    Napi::Value indices = source_.Get("indices");
    job.epoch_rows = count("epochRows", 1);
    job.epochs = count("epochs", 1);
    job.batch_size = count("batchSize", 1);
    job.first_step = count("firstStep", 0);
    job.counter = static_cast<uint64_t>(count("counter", 0));
    Napi::Value rates = source_.Get("learningRates");
    seed(job);
    Napi::Array results = copy(source_.Get("outputs"), "job.outputs");
    job.budget = number(source_.Get("budget"), "job.budget");
    job.stop_below = number(source_.Get("stopBelow"), "job.stopBelow");
    // Addresses last: a getter of the job might take away an array that has been looked at.
    column_data(job, data);
    index_data(job, indices);
    rate_data(job, rates);
    output_data(job, results);
    return job;
  }

  // All arrays; nothing unless the run is concurrent.
  Napi::Array pins() const { return pins_; }

 private:
  int64_t count(const char* name, double low) {
    return integer(source_.Get(name), std::string("job.") + name, low, kMaxSafeInteger);
  }

  static std::string element(const char* list, uint32_t i) {
    return std::string(list) + "[" + std::to_string(i) + "]";
  }

  // The elements in an array that only this job knows.
  static Napi::Array copy(const Napi::Value& value, const char* where) {
    Napi::Array list = array(value, where);
    uint32_t length = list.Length();
    Napi::Array result = Napi::Array::New(value.Env(), length);
    for (uint32_t i = 0; i < length; i++) result.Set(i, list.Get(i));
    return result;
  }

  // Scales, offsets and bounds; returns the arrays.
  Napi::Array columns(Job& job) {
    Napi::Array list = copy(source_.Get("columns"), "job.columns");
    for (uint32_t i = 0; i < list.Length(); i++) {
      std::string where = element("job.columns", i);
      Napi::Object column = object(list.Get(i), where);
      double scale = number(column.Get("scale"), where + ".scale");
      double offset = number(column.Get("offset"), where + ".offset");
      Napi::Value bound = column.Get("largest");
      double largest = bound.IsUndefined() ? kUnknownLargest : number(bound, where + ".largest");
      job.columns.push_back({nullptr, 0, ElementType::kFloat32, scale, offset, largest});
      list.Set(i, column.Get("data"));
    }
    return list;
  }

  void seed(Job& job) {
    Napi::Array words = array(source_.Get("seed"), "job.seed");
    for (uint32_t i = 0; i < 2; i++) {
      job.seed[i] =
          static_cast<uint32_t>(integer(words.Get(i), element("job.seed", i), 0, UINT32_MAX));
    }
  }

  void column_data(Job& job, const Napi::Array& list) {
    for (uint32_t i = 0; i < job.columns.size(); i++) {
      std::string where = element("job.columns", i) + ".data";
      Napi::Value data = list.Get(i);
      View memory = view(data, where);
      pin(data, memory, where);
      job.columns[i].data = memory.data;
      job.columns[i].length = static_cast<int64_t>(memory.length);
      job.columns[i].type = element_type(memory, data, where);
    }
  }

  void index_data(Job& job, const Napi::Value& indices) {
    if (indices.IsNull()) return;
    View rows = pinned(indices, "job.indices", napi_uint32_array, "a Uint32Array or null");
    // An empty array has no address, and must not read as "no indices".
    static const uint32_t kNone = 0;
    job.indices = rows.length ? static_cast<const uint32_t*>(rows.data) : &kNone;
    job.index_count = static_cast<int64_t>(rows.length);
  }

  void rate_data(Job& job, const Napi::Value& value) {
    View rates = pinned(value, "job.learningRates", napi_float32_array, "a Float32Array");
    job.learning_rates = static_cast<const float*>(rates.data);
    job.learning_rate_count = static_cast<int64_t>(rates.length);
  }

  void output_data(Job& job, const Napi::Array& list) {
    for (uint32_t i = 0; i < list.Length(); i++) {
      View memory =
          pinned(list.Get(i), element("job.outputs", i), napi_float32_array, "a Float32Array");
      job.outputs.push_back(
          {static_cast<float*>(memory.data), static_cast<int64_t>(memory.length)});
    }
  }

  View pinned(const Napi::Value& value, const std::string& where, napi_typedarray_type type,
              const char* name) {
    View result = typed_view(value, where, type, name);
    pin(value, result, where);
    return result;
  }

  void pin(const Napi::Value& value, const View& view, const std::string& where) {
    if (!concurrent_) return;
    if (!view.shared) refuse(where, "backed by a SharedArrayBuffer", value);
    pins_.Set(pins_.Length(), value);
  }

  Napi::Object source_;
  Napi::Array pins_;
  bool concurrent_;
};

}  // namespace myelin
