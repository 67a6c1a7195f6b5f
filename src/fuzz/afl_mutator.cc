// SPDX-License-Identifier: Apache-2.0
//
// AFL++'s custom mutator (AFL_CUSTOM_MUTATOR_LIBRARY): programs are changed as programs.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "src/fuzz/mutate.h"
#include "src/fuzz/program.h"

namespace {

struct State {
  fv::fuzz::Random random;
  std::string out;
};

}  // namespace

extern "C" {

void* afl_custom_init(void* /*afl*/, unsigned seed) {
  return std::make_unique<State>(State{fv::fuzz::Random(seed), {}}).release();
}

size_t afl_custom_fuzz(State* state, uint8_t* bytes, size_t size, uint8_t** out, uint8_t* other,
                       size_t other_size, size_t max_size) {
  // Programs in turns suit --differential as well.
  const fv::fuzz::Grammar grammar{.free_order = false};
  fv::fuzz::Program program = fv::fuzz::Decode({bytes, size});
  if (program.Steps() == 0 || state->random.OneIn(16)) {
    program = fv::fuzz::RandomProgram(state->random, grammar);
  } else if (other != nullptr && state->random.OneIn(4)) {
    program = fv::fuzz::Crossover(program, fv::fuzz::Decode({other, other_size}), state->random);
  } else {
    fv::fuzz::Mutate(program, state->random, grammar);
  }
  state->out = fv::fuzz::Encode(program);
  if (state->out.size() > max_size) state->out.resize(max_size);
  *out = reinterpret_cast<uint8_t*>(state->out.data());
  return state->out.size();
}

void afl_custom_deinit(State* state) { std::unique_ptr<State> dropped(state); }

}  // extern "C"
