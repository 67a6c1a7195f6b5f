// SPDX-License-Identifier: Apache-2.0
//
// The figures in the language of Graphviz (https://graphviz.org/doc/info/lang.html).
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/export/figure.h"
#include "src/export/graph_text.h"

namespace fv::exports {
namespace {

using lab::report::Escape;

constexpr char kHead[] =
    "  graph [rankdir=LR, bgcolor=\"#ffffff\", fontname=\"Helvetica\", labelloc=t];\n"
    "  node [shape=box, style=filled, fillcolor=\"#ffffff\", color=\"#5b636d\", "
    "fontname=\"Helvetica\", fontsize=11];\n"
    "  edge [fontname=\"Helvetica\", fontsize=10, arrowsize=0.5];\n";

// A string in double quotes.
std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out + "\"";
}

// White text on the dark ones.
const char* InkOn(PageState state) {
  const bool light =
      state == PageState::kAbsent || state == PageState::kCopyOnWrite || state == PageState::kAlone;
  return light ? kInk : kPaper;
}

void AppendRow(std::string& out, const AddressRow& row) {
  absl::StrAppend(&out, "    <TR><TD ALIGN=\"LEFT\">", RangeOf(row), "</TD><TD>",
                  Escape(row.rights), "</TD><TD ALIGN=\"LEFT\">", Escape(row.what), "</TD>");
  std::map<PageState, uint64_t> pages;
  for (const Stretch& stretch : row.stretches) pages[stretch.state] += stretch.pages;
  for (size_t i = 0; i < kPageStates; ++i) {
    const auto state = static_cast<PageState>(i);
    const auto count = pages.find(state);
    if (count == pages.end()) continue;
    absl::StrAppend(&out, "<TD BGCOLOR=\"", LookOf(state).colour, "\"><FONT COLOR=\"", InkOn(state),
                    "\">", Grouped(count->second), " ", LookOf(state).name, "</FONT></TD>");
  }
  absl::StrAppend(&out, "</TR>\n");
}

}  // namespace

std::string AddressDot(const AddressMap& map) {
  std::string out = absl::StrCat(
      "digraph address_space {\n", kHead,
      "  label=", Quoted(absl::StrCat("Address space of ", map.user, "\n", SummaryOf(map))),
      ";\n  space [shape=plain, label=<\n"
      "    <TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\">\n");
  for (const AddressRow& row : map.rows) AppendRow(out, row);
  if (map.rows.empty()) absl::StrAppend(&out, "    <TR><TD>no mappings</TD></TR>\n");
  absl::StrAppend(&out, "    </TABLE>>];\n}\n");
  return out;
}

std::string SharingDot(const SharingGraph& graph) {
  std::string out = absl::StrCat(
      "digraph sharing {\n", kHead,
      "  label=\"Who shares memory with whom: entries of page tables that point there\";\n");
  for (size_t i = 0; i < graph.sources.size(); ++i) {
    const Source& source = graph.sources[i];
    std::string label;
    for (const std::string& task : source.tasks) absl::StrAppend(&label, task, "\n");
    const bool table = source.kind == Source::Kind::kTables;
    absl::StrAppend(&label, table ? NameOf(source) : TablesOf(graph, i));
    absl::StrAppend(&out, "  s", i, " [label=", Quoted(label));
    if (table) {
      absl::StrAppend(&out, ", fillcolor=", Quoted(LookOf(PageState::kSharedTable).colour),
                      ", fontcolor=", Quoted(kPaper));
    }
    absl::StrAppend(&out, "];\n");
  }
  for (size_t i = 0; i < graph.groups.size(); ++i) {
    const FrameGroup& group = graph.groups[i];
    absl::StrAppend(&out, "  g", i,
                    " [label=", Quoted(absl::StrCat(FramesOf(group), "\n", MeaningOf(group))),
                    ", fillcolor=", Quoted(LookOf(group.look).colour),
                    ", fontcolor=", Quoted(InkOn(group.look)), "];\n");
  }
  const auto add_edges = [&out](const std::vector<Edge>& edges, const char* to) {
    for (const Edge& edge : edges) {
      absl::StrAppend(&out, "  s", edge.from, " -> ", to, edge.to,
                      " [label=", Quoted(Grouped(edge.count)), ", penwidth=",
                      absl::StrFormat("%.1f", 1 + std::log2(static_cast<double>(edge.count)) / 4),
                      "];\n");
    }
  };
  add_edges(graph.tables, "s");
  add_edges(graph.frames, "g");
  return out + "}\n";
}

}  // namespace fv::exports
