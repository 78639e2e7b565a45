// What JavaScript asks of arrays outside of plans. A part of binding.cc: nothing else includes it.
#pragma once
#include "arrays.h"
#include "binding_arguments.h"
#include "dispatch.h"

namespace myelin::binding {

// The arguments low, high, stream, step, key0, key1 of RandomSource in lib/random.ts, from `first`
// on.
inline PhiloxPosition position_argument(const Napi::CallbackInfo& info, size_t first,
                                        const char* function) {
  const char* names[] = {"low", "high", "stream", "step", "key0", "key1"};
  uint32_t words[6];
  for (size_t i = 0; i < 6; i++) {
    words[i] = static_cast<uint32_t>(
        integer(info[first + i], std::string(function) + ": " + names[i], 0, UINT32_MAX));
  }
  return {uint64_t{words[1]} << 32 | words[0], words[2], words[3], words[4], words[5]};
}

// An array for whole blocks of random words.
inline View blocks_argument(const Napi::Value& out, const std::string& where,
                            napi_typedarray_type type, const char* name) {
  View memory = typed_view(out, where, type, name);
  if (memory.length % 4 != 0) refuse(where, "of whole blocks of four words", out);
  return memory;
}

inline void philox(const Napi::CallbackInfo& info) {
  PhiloxPosition from = position_argument(info, 1, "philox");
  View out = blocks_argument(info[0], "philox: out", napi_uint32_array, "a Uint32Array");
  fill_words(default_table(), from, static_cast<uint32_t*>(out.data), out.length / 4);
}

inline void fill_uniform(const Napi::CallbackInfo& info) {
  double minimum = number(info[1], "fillUniform: minimum");
  double scale = number(info[2], "fillUniform: scale");
  PhiloxPosition from = position_argument(info, 3, "fillUniform");
  View out = blocks_argument(info[0], "fillUniform: out", napi_float32_array, "a Float32Array");
  myelin::fill_uniform(default_table(), from, minimum, scale, static_cast<float*>(out.data),
                       out.length / 4);
}

inline Napi::Value largest(const Napi::CallbackInfo& info) {
  View values = typed_view(info[0], "largest: values", napi_float32_array, "a Float32Array");
  float found = default_table().largest(static_cast<const float*>(values.data),
                                        static_cast<int64_t>(values.length));
  return Napi::Number::New(info.Env(), static_cast<double>(found));
}

}  // namespace myelin::binding

namespace myelin {

inline void define_array_functions(Napi::Env env, Napi::Object& exports) {
  exports.Set("philox", Napi::Function::New<binding::philox>(env, "philox"));
  exports.Set("fillUniform", Napi::Function::New<binding::fill_uniform>(env, "fillUniform"));
  exports.Set("largest", Napi::Function::New<binding::largest>(env, "largest"));
}

}  // namespace myelin
