// SPDX-License-Identifier: Apache-2.0
//
// What Clang's code calls where a program does what C++ leaves undefined (LLVM 14, CGExpr.cpp;
// compiler-rt, ubsan_handlers.h): each with the place in the source, and values of at most 64 bits
// as they are. -fno-sanitize-recover: none of these returns.
#include <cstdint>

#include "guest/sanitize/report.h"
#include "guest/sanitize/text.h"

namespace fv::guest::sanitize {
namespace {

struct Place {
  const char* file;
  uint32_t line;
  uint32_t column;
};

struct Type {
  uint16_t kind;  // 0: integer
  uint16_t info;  // bit 0: signed; the others: log2 of the width
  char name[1];   // in quotes
};

// What all data begins with, and most go on with.
struct Data {
  Place place;
  const Type* type;
  const Type* second_type;
};

struct MismatchData {
  Place place;
  const Type* type;
  uint8_t log_alignment;
  uint8_t access;
};

constexpr const char* kAccesses[] = {"load of",
                                     "store to",
                                     "reference to",
                                     "member access in",
                                     "member call on",
                                     "constructor call on",
                                     "downcast of",
                                     "downcast of",
                                     "upcast of",
                                     "cast to virtual base of",
                                     "nonnull binding to",
                                     "dynamic operation on"};

[[noreturn]] void Stop(const char* kind, const Place& place, const Text& what, const void* frame) {
  ReportUndefined(kind, place.file, place.line, place.column, what.c_str(), frame);
  Panic("ubsan: %s while reporting", kind);
}

void AddValue(Text& text, const Type& type, uint64_t value) {
  const unsigned bits = 1u << (type.info >> 1);
  if (type.kind != 0 || bits > 64) {
    text.Add("a %s", type.name);
  } else if ((type.info & 1) != 0) {
    text.Add("%ld", static_cast<int64_t>(value << (64 - bits)) >> (64 - bits));
  } else {
    text.Add("%lu", value);
  }
}

[[noreturn]] void StopOverflow(const Data& data, const char* sign, uint64_t a, uint64_t b,
                               const void* frame) {
  Text text;
  AddValue(text, *data.type, a);
  text.Add(" %s ", sign);
  AddValue(text, *data.type, b);
  text.Add(" as %s", data.type->name);
  Stop("integer-overflow", data.place, text, frame);
}

[[noreturn]] void StopPlain(const char* kind, const Place& place, const char* words,
                            const void* frame) {
  Text text;
  text.Add("%s", words);
  Stop(kind, place, text, frame);
}

}  // namespace
}  // namespace fv::guest::sanitize

using namespace fv::guest::sanitize;  // NOLINT: the handlers are C's

#define FV_FRAME __builtin_frame_address(0)

// X(name, C parameters): `text`s are made in the bodies below.
#define FV_HANDLER(name, ...)                                      \
  extern "C" [[noreturn]] void __ubsan_handle_##name(__VA_ARGS__); \
  void __ubsan_handle_##name(__VA_ARGS__)

FV_HANDLER(add_overflow_abort, const Data* data, uint64_t a, uint64_t b) {
  StopOverflow(*data, "+", a, b, FV_FRAME);
}
FV_HANDLER(sub_overflow_abort, const Data* data, uint64_t a, uint64_t b) {
  StopOverflow(*data, "-", a, b, FV_FRAME);
}
FV_HANDLER(mul_overflow_abort, const Data* data, uint64_t a, uint64_t b) {
  StopOverflow(*data, "*", a, b, FV_FRAME);
}
FV_HANDLER(divrem_overflow_abort, const Data* data, uint64_t a, uint64_t b) {
  StopOverflow(*data, "/", a, b, FV_FRAME);
}
FV_HANDLER(negate_overflow_abort, const Data* data, uint64_t value) {
  StopOverflow(*data, "-", 0, value, FV_FRAME);
}
FV_HANDLER(shift_out_of_bounds_abort, const Data* data, uint64_t value, uint64_t by) {
  Text text;
  AddValue(text, *data->type, value);
  text.Add(" of type %s by ", data->type->name);
  AddValue(text, *data->second_type, by);
  Stop("shift-out-of-bounds", data->place, text, FV_FRAME);
}
FV_HANDLER(out_of_bounds_abort, const Data* data, uint64_t index) {
  Text text;
  text.Add("index ");
  AddValue(text, *data->second_type, index);
  text.Add(" of %s", data->type->name);
  Stop("index-out-of-bounds", data->place, text, FV_FRAME);
}
FV_HANDLER(load_invalid_value_abort, const Data* data, uint64_t value) {
  Text text;
  text.Add("%lu as %s", value, data->type->name);
  Stop("invalid-value", data->place, text, FV_FRAME);
}
FV_HANDLER(type_mismatch_v1_abort, const MismatchData* data, uint64_t pointer) {
  const uint64_t alignment = uint64_t{1} << data->log_alignment;
  const bool misaligned = (pointer & (alignment - 1)) != 0;
  constexpr unsigned kKnown = sizeof(kAccesses) / sizeof(kAccesses[0]);
  Text text;
  text.Add("%s %s at %lx", data->access < kKnown ? kAccesses[data->access] : "use of",
           data->type->name, pointer);
  Stop(pointer == 0 ? "null-pointer"
       : misaligned ? "misaligned-pointer"
                    : "object-too-small",
       data->place, text, FV_FRAME);
}
FV_HANDLER(pointer_overflow_abort, const Data* data, uint64_t base, uint64_t result) {
  Text text;
  text.Add("%lx to %lx", base, result);
  Stop("pointer-overflow", data->place, text, FV_FRAME);
}
FV_HANDLER(float_cast_overflow_abort, const Data* data, uint64_t /*value*/) {
  StopPlain("float-cast-overflow", data->place, "conversion", FV_FRAME);
}
FV_HANDLER(vla_bound_not_positive_abort, const Data* data, uint64_t /*bound*/) {
  StopPlain("array-bound", data->place, "not positive", FV_FRAME);
}
FV_HANDLER(invalid_builtin_abort, const Data* data) {
  StopPlain("invalid-builtin", data->place, "zero", FV_FRAME);
}
FV_HANDLER(alignment_assumption_abort, const Data* data, uint64_t /*pointer*/,
           uint64_t /*alignment*/, uint64_t /*offset*/) {
  StopPlain("misaligned-pointer", data->place, "an assumption", FV_FRAME);
}
FV_HANDLER(nonnull_arg_abort, const Data* data) {
  StopPlain("null-pointer", data->place, "argument", FV_FRAME);
}
FV_HANDLER(nonnull_return_v1_abort, const Data* /*data*/, const Place* place) {
  StopPlain("null-pointer", *place, "returned", FV_FRAME);
}
FV_HANDLER(builtin_unreachable, const Data* data) {
  StopPlain("unreachable", data->place, "reached", FV_FRAME);
}
FV_HANDLER(missing_return, const Data* data) {
  StopPlain("missing-return", data->place, "end of the function", FV_FRAME);
}
