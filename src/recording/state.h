// SPDX-License-Identifier: Apache-2.0
//
// The guest's state at one step: rebuilt from a recording, or taken from a snapshot. That the two
// are equal is what makes a recording believable.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/recording.pb.h"
#include "src/inspect/snapshot.h"
#include "src/recording/entry_runs.h"
#include "src/recording/mm_mirror.h"
#include "src/recording/task_mirror.h"

namespace fv::recording {

struct State {
  struct AddressSpace {
    uint64_t address = 0;
    uint32_t root = 0;
    uint32_t strategy = 0;
    std::map<uint64_t, VmaFields> vmas;  // by first page
    std::map<uint64_t, uint32_t> files;  // of those with a name: by first page, in file_names
    // But for the files, of which a snapshot has no names.
    bool operator==(const AddressSpace& other) const {
      return address == other.address && root == other.root && strategy == other.strategy &&
             vmas == other.vmas;
    }
  };
  struct Table {
    uint32_t level = 0;
    Entries entries{};
    bool operator==(const Table&) const = default;
  };
  struct Frame {
    uint32_t state = 0;
    uint32_t pins = 0;
    uint32_t slab_cache = 0;
    bool operator==(const Frame&) const = default;
  };

  std::map<uint32_t, TaskFields> tasks;  // by pid
  std::map<uint32_t, AddressSpace> mms;  // by id
  std::map<uint32_t, Table> tables;      // by frame
  std::map<uint32_t, Frame> frames;      // those that are not free
  std::map<uint32_t, std::string> slab_caches;
  std::map<uint32_t, std::string> file_names;
  uint32_t running = 0;
};

// Errors: DataLoss (the change does not fit the state: what it names is not there, or lies outside
// of its table). The state is then of no use.
absl::Status Apply(const schema::Change& change, State& state);
// What the record does to the state: a keyframe, a step, or nothing.
absl::Status Apply(const schema::Record& record, State& state);

// Ids of address spaces and slab caches are made up: compare by Differences.
State StateOf(const inspect::Snapshot& snapshot);

// Sentences, `most` of them at most, about what differs. Ids are not compared, but what they name.
std::vector<std::string> Differences(const State& a, const State& b, size_t most = 20);

}  // namespace fv::recording
