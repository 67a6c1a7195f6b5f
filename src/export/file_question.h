// SPDX-License-Identifier: Apache-2.0
//
// Questions about a guest whose answer is a file: "core 2", "vmcore", "graph 2". docs/inspect.md
// lists them.
#pragma once

#include "absl/status/statusor.h"
#include "src/query/moment.h"
#include "src/query/query.h"

namespace fv::exports {

// Whether the words begin such a question.
bool IsFileQuestion(const query::Words& words);

// The same question for a file of this name: of "graph" its end says in which form, and the words
// say that then. Error: InvalidArgument.
absl::StatusOr<query::Words> WordsFor(query::Words words, const std::string& path);

// Writes the answer into the empty file `fd`; what is returned is what a reader should know of it.
// Without a moment it only checks the words, as WordsFor gives them. Errors: InvalidArgument (its
// words are wrong), those of the writers.
absl::StatusOr<query::Answer> AskForFile(const query::Moment* moment, const query::Words& words,
                                         int fd);

}  // namespace fv::exports
