// SPDX-License-Identifier: Apache-2.0
//
// The style sheet of the page. Colours are those of Okabe and Ito, which people with any kind of
// colour blindness can tell apart; those of the dark scheme are lighter ones of the same hues.
#pragma once

namespace fv::lab::report {

inline constexpr char kStyle[] = R"css(
:root { --paper: #ffffff; --ink: #1a1a1a; --faint: #5a5a5a; --grid: #e2e2e2; --note: #fff4d6;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7; --c4: #e69f00; --c5: #56b4e9;
  --c6: #7a5c00; --c7: #4d4d4d; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171a; --ink: #ececec; --faint: #a8a8a8;
  --grid: #33373c; --note: #3d3415; --c0: #4da3db; --c1: #ff8f40; --c2: #2fcf9f; --c3: #e3a0c5;
  --c4: #f5bd3d; --c5: #8fd0f5; --c6: #c2a04a; --c7: #b5b5b5; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  max-width: 1360px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--grid); }
p { margin: .3rem 0; max-width: 60rem; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.warning { background: var(--note); padding: .5rem 1rem; margin: 1rem 0; max-width: 58rem; }
.warning ul { margin: .2rem 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 520px), 1fr));
  gap: 1.5rem; }
figure { margin: 0; min-width: 0; break-inside: avoid; }
.wide { grid-column: 1 / -1; }
figcaption { font-size: .85rem; margin-bottom: .4rem; }
.machine { color: var(--faint); overflow-wrap: anywhere; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .axis { fill: var(--faint); }
svg .middle { text-anchor: middle; }
svg .end { text-anchor: end; }
svg .inside { font-size: 10.5px; paint-order: stroke; stroke: var(--paper);
  stroke-width: 3px; stroke-opacity: .8; }
.grid { stroke: var(--grid); stroke-width: 1; }
.frame { stroke: var(--faint); stroke-width: 1; }
.line { fill: none; stroke-width: 2; }
.whisker { stroke-width: 1.5; }
.dot { stroke: var(--paper); stroke-width: .8; }
.box { stroke: var(--paper); stroke-width: 1; }
.line.s0, .whisker.s0 { stroke: var(--c0); } .dot.s0, .box.s0 { fill: var(--c0); }
.line.s1, .whisker.s1 { stroke: var(--c1); } .dot.s1, .box.s1 { fill: var(--c1); }
.line.s2, .whisker.s2 { stroke: var(--c2); } .dot.s2, .box.s2 { fill: var(--c2); }
.line.s3, .whisker.s3 { stroke: var(--c3); } .dot.s3, .box.s3 { fill: var(--c3); }
.line.s4, .whisker.s4 { stroke: var(--c4); } .dot.s4, .box.s4 { fill: var(--c4); }
.line.s5, .whisker.s5 { stroke: var(--c5); } .dot.s5, .box.s5 { fill: var(--c5); }
.line.s6, .whisker.s6 { stroke: var(--c6); } .dot.s6, .box.s6 { fill: var(--c6); }
.line.s7, .whisker.s7 { stroke: var(--c7); } .dot.s7, .box.s7 { fill: var(--c7); }
.line.s1 { stroke-dasharray: 8 3; } .line.s2 { stroke-dasharray: 2 2; }
.line.s3 { stroke-dasharray: 8 3 2 3; } .line.s4 { stroke-dasharray: 12 4; }
.line.s5 { stroke-dasharray: 4 4; } .line.s6 { stroke-dasharray: 1 3; }
.line.s7 { stroke-dasharray: 12 3 2 3 2 3; }
details { margin-top: .3rem; font-size: .85rem; }
summary { cursor: pointer; color: var(--faint); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem; }
caption { text-align: left; color: var(--faint); }
th, td { padding: .1rem .6rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--grid); }
th:first-child, td:first-child { text-align: left; font-weight: normal; }
@media print { :root { --paper: #ffffff; --ink: #000000; --faint: #444444; --grid: #cccccc; }
  body { font-size: 10pt; max-width: none; padding: 0; }
  .figures { display: block; } figure { margin-bottom: 1.5rem; max-width: 17cm; }
  .scroll { overflow: visible; } table { font-size: 7pt; } }
)css";

}  // namespace fv::lab::report
