// SPDX-License-Identifier: Apache-2.0
//
// What makes one page table's entries into others, in few words: the fields of schema::Table.
#pragma once

#include <array>
#include <cstdint>

#include "proto/pte.h"
#include "proto/recording.pb.h"

namespace fv::recording {

using Entries = std::array<proto::Pte, proto::kEntriesPerTable>;

// Adds flags and entries to `table` that make `before` into `after`. They may be equal.
void AddDifference(const Entries& before, const Entries& after, schema::Table& table);

// Adds entries to `table`, which is empty, that make `entries`.
void AddEntries(const Entries& entries, schema::Table& table);

// Makes `table`, which is new and whose entries are `after`: as a copy of the table in frame
// `from`, whose entries are `model`, if they are much the same; by its entries otherwise.
void AddContent(uint64_t from, const Entries& model, const Entries& after, schema::Table& table);

}  // namespace fv::recording
