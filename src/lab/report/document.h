// SPDX-License-Identifier: Apache-2.0
//
// What all pages share: the head with its style sheet, sections of figures with their data. A page
// needs nothing else: no network, no fonts, no scripts but three lines that open the tables for
// printing. For light and dark screens, and paper.
#pragma once

#include <string>
#include <vector>

#include "src/lab/report/figures.h"
#include "src/lab/report/markup.h"

namespace fv::lab::report {

// Everything up to the begin of the body.
void BeginPage(const char* title, Markup& page);
// Nothing if there are no figures. `machine` stands below each: a figure is copied without its
// page.
void WriteSection(const char* title, const std::vector<Figure>& figures, const std::string& machine,
                  Markup& page);
// The whole text.
std::string FinishPage(Markup& page);

}  // namespace fv::lab::report
