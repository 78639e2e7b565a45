// What a job tells the instructions that read a plan's inputs: where these are, in the input region
// or in the caller's data where a step's rows lie there as the plan wants them, and how large.
#pragma once
#include <cstdint>
#include <vector>

#include "job.h"
#include "plan.h"

namespace myelin {

class InputPlaces {
 public:
  // Where not `movable`, all inputs are always in the region.
  InputPlaces(Plan& plan, bool movable);
  InputPlaces(const InputPlaces&) = delete;
  InputPlaces& operator=(const InputPlaces&) = delete;

  // While it lives, `begin_step` decides for each input of a job; then all are in the region again.
  class Reading {
   public:
    Reading(InputPlaces& places, const Job& job);
    ~Reading();
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    // Whether steps read input `i` where it lies.
    bool in_place(size_t i) const { return places_.inputs_[i].in_place; }
    // Lets a step that begins at `row` of the epoch read there what it can.
    void begin_step(int64_t row);

   private:
    InputPlaces& places_;
    const Job& job_;
  };

 private:
  struct Input {
    float* region;
    int64_t row_size;
    std::vector<Operand*> readers;  // that read all of it
    bool movable;                   // else it must be in the region
    bool in_place = false;

    void set(float* data) const {
      for (Operand* reader : readers) reader->data = data;
    }
    void bound(double largest) const {
      for (Operand* reader : readers) reader->largest = largest;
    }
  };
  struct Stretch {
    const float* begin;
    const float* end;

    bool overlaps(const float* from, const float* to) const { return begin < to && from < end; }
  };

  std::vector<Input> inputs_;
  std::vector<Stretch> written_;  // by instructions
};

}  // namespace myelin
