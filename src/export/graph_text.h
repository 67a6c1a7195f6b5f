// SPDX-License-Identifier: Apache-2.0
//
// Figures of memory as the text of a file: SVG, drawn here, and the language of Graphviz (dot).
#pragma once

#include <string>

#include "src/export/address_map.h"
#include "src/export/sharing_graph.h"

namespace fv::exports {

std::string AddressSvg(const AddressMap& map);
std::string SharingSvg(const SharingGraph& graph);
std::string AddressDot(const AddressMap& map);
std::string SharingDot(const SharingGraph& graph);

// ---- Words that both have ----------------------------------------------------------------------

// "7 mappings, 174 of 2,389 pages present; fork: classic".
std::string SummaryOf(const AddressMap& map);
// "400000-401000".
std::string RangeOf(const AddressRow& row);
// "3 of 4 pages".
std::string PagesOf(const AddressRow& row);
// "page table 0x35e", "403 page tables".
std::string NameOf(const Source& table);
// "1,024 frames", "copy-on-write, mapped by 2".
std::string FramesOf(const FrameGroup& group);
std::string MeaningOf(const FrameGroup& group);
// "7 page tables": those that it alone has.
std::string TablesOf(const SharingGraph& graph, size_t address_space);

}  // namespace fv::exports
