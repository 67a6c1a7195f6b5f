// SPDX-License-Identifier: Apache-2.0
//
// Columns from left to right: address spaces, page tables that several share, groups of frames.
// Every line has its own place at both of its ends, so that the numbers there do not touch; frames
// that address spaces map without shared tables stand below those, so that no line crosses a box.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "src/export/figure.h"
#include "src/export/graph_text.h"

namespace fv::exports {
namespace {

constexpr double kBoxWidth = 200;
constexpr double kGroupWidth = 280;
constexpr double kColumnGap = 150;
constexpr double kBoxGap = 14;
constexpr double kLineHeight = 15;
constexpr double kPortHeight = 14;  // that a line has at its end
constexpr double kStripe = 16;
constexpr size_t kMostTasks = 6;  // that a box names

struct Box {
  std::vector<std::string> lines;  // the last one is faint
  double x = 0;
  double y = 0;
  double width = kBoxWidth;
  double height = 0;
  std::vector<size_t> in;  // links, from top to bottom
  std::vector<size_t> out;
  double Middle() const { return y + height / 2; }
  // Of the i-th of n lines at a side.
  double PortAt(size_t i, size_t n) const {
    return y + height * (static_cast<double>(i) + 0.5) / static_cast<double>(n);
  }
};

struct Link {
  size_t from;  // boxes
  size_t to;
  uint64_t count;
  const char* colour;
};

using Boxes = std::vector<size_t>;  // of one column, from top to bottom

class Drawing {
 public:
  explicit Drawing(const SharingGraph& graph) : graph_(graph) {
    MakeBoxes();
    MakeLinks();
    for (Box& box : boxes_) {
      const size_t ports = std::max(box.in.size(), box.out.size());
      box.height = std::max(kLineHeight * static_cast<double>(box.lines.size()) + 10,
                            kPortHeight * static_cast<double>(ports) + 4);
    }
    Place();
  }

  std::string Draw() {
    const auto legend = LegendOf();
    const double high =
        Figure::kHeadHeight + height_ + 24 + Figure::LegendHeight(width_, legend) + 10;
    Figure figure(
        width_, high, "Who shares memory with whom",
        "Numbers: entries of page tables that point there; a frame is a page of 4096 bytes");
    for (const Link& link : links_) DrawLink(figure, link);
    for (size_t i = 0; i < boxes_.size(); ++i) DrawBox(figure, i);
    for (const Link& link : links_) DrawNumber(figure, link);
    figure.Legend(Figure::kHeadHeight + height_ + 24, legend);
    return figure.Finish();
  }

 private:
  size_t BoxOfGroup(size_t group) const { return graph_.sources.size() + group; }

  void MakeBoxes() {
    for (size_t i = 0; i < graph_.sources.size(); ++i) {
      const Source& source = graph_.sources[i];
      Box& box = boxes_.emplace_back();
      if (source.kind == Source::Kind::kTables) {
        box.lines = {NameOf(source), "shared"};
        columns_[1].push_back(i);
        continue;
      }
      const size_t named = std::min(source.tasks.size(), kMostTasks);
      box.lines.assign(source.tasks.begin(), source.tasks.begin() + static_cast<ptrdiff_t>(named));
      if (named < source.tasks.size()) {
        box.lines.push_back(absl::StrCat("and ", source.tasks.size() - named, " more"));
      }
      box.lines.push_back(TablesOf(graph_, i));
      columns_[0].push_back(i);
    }
    for (size_t i = 0; i < graph_.groups.size(); ++i) {
      Box& box = boxes_.emplace_back();
      box.lines = {FramesOf(graph_.groups[i]), MeaningOf(graph_.groups[i])};
      box.width = kGroupWidth;
      columns_[2].push_back(BoxOfGroup(i));
    }
  }

  void MakeLinks() {
    const auto add = [this](size_t from, size_t to, uint64_t count, const char* colour) {
      boxes_[from].out.push_back(links_.size());
      boxes_[to].in.push_back(links_.size());
      links_.push_back({from, to, count, colour});
    };
    for (const Edge& edge : graph_.tables) {
      add(edge.from, edge.to, edge.count, LookOf(PageState::kSharedTable).colour);
    }
    for (const Edge& edge : graph_.frames) {
      add(edge.from, BoxOfGroup(edge.to), edge.count, LookOf(graph_.groups[edge.to].look).colour);
    }
  }

  // Stacks a column, its middle at `middle`, in the order of what pulls its boxes.
  void Stack(Boxes& column, double x, double middle) {
    std::stable_sort(column.begin(), column.end(),
                     [this](size_t a, size_t b) { return PullOf(a) < PullOf(b); });
    double y = middle - HeightOf(column) / 2;
    for (const size_t i : column) {
      boxes_[i].x = x;
      boxes_[i].y = y;
      y += boxes_[i].height + kBoxGap;
    }
  }
  double HeightOf(const Boxes& column) const {
    double height = -kBoxGap;
    for (const size_t i : column) height += boxes_[i].height + kBoxGap;
    return std::max(height, 0.0);
  }

  // Where the boxes that link to this one have their middle, on average.
  double PullOf(size_t box) const {
    double sum = 0;
    for (const size_t link : boxes_[box].in) sum += boxes_[links_[link].from].Middle();
    return boxes_[box].in.empty() ? 0 : sum / static_cast<double>(boxes_[box].in.size());
  }

  bool PassesTables(const Link& link) const {
    return !columns_[1].empty() && link.from < graph_.address_spaces &&
           link.to >= graph_.sources.size();
  }

  void Place() {
    auto& [spaces, tables, groups] = columns_;
    const auto first = std::stable_partition(groups.begin(), groups.end(), [this](size_t group) {
      const auto& in = boxes_[group].in;
      return std::none_of(in.begin(), in.end(),
                          [this](size_t link) { return PassesTables(links_[link]); });
    });
    Boxes below(first, groups.end());
    groups.erase(first, groups.end());

    const double upper = std::max(HeightOf(tables), HeightOf(groups));
    const double lower = below.empty() ? 0 : HeightOf(below) + kBoxGap;
    height_ = std::max(HeightOf(spaces), upper + lower);
    const double middle = Figure::kHeadHeight + height_ / 2;
    const double upper_middle = middle - lower / 2;
    double x = Figure::kMargin;
    Stack(spaces, x, middle);
    x += kBoxWidth + kColumnGap;
    if (!tables.empty()) {
      Stack(tables, x, upper_middle);
      x += kBoxWidth + kColumnGap;
    }
    Stack(groups, x, upper_middle);
    Stack(below, x, middle + (upper + kBoxGap) / 2);
    width_ = x + kGroupWidth + Figure::kMargin;
    for (Box& box : boxes_) {
      const auto by = [this](size_t Link::*end) {
        return [this, end](size_t a, size_t b) {
          return boxes_[links_[a].*end].Middle() < boxes_[links_[b].*end].Middle();
        };
      };
      std::stable_sort(box.in.begin(), box.in.end(), by(&Link::from));
      std::stable_sort(box.out.begin(), box.out.end(), by(&Link::to));
    }
  }

  // The index of `link` among `links`.
  static size_t RankOf(const std::vector<size_t>& links, size_t link) {
    return static_cast<size_t>(std::find(links.begin(), links.end(), link) - links.begin());
  }
  double StartOf(const Link& link) const {
    const Box& box = boxes_[link.from];
    return box.PortAt(RankOf(box.out, IndexOf(link)), box.out.size());
  }
  double EndOf(const Link& link) const {
    const Box& box = boxes_[link.to];
    return box.PortAt(RankOf(box.in, IndexOf(link)), box.in.size());
  }
  size_t IndexOf(const Link& link) const { return static_cast<size_t>(&link - links_.data()); }

  void DrawLink(Figure& figure, const Link& link) const {
    const double wide = 1 + std::log2(static_cast<double>(link.count) + 1) / 4;
    const double y = EndOf(link);
    double x = boxes_[link.to].x;
    if (PassesTables(link)) {
      const double bend = boxes_[columns_[1].front()].x;
      figure.Curve(bend, y, x, y, wide, link.colour);
      x = bend;
    }
    figure.Curve(boxes_[link.from].x + boxes_[link.from].width, StartOf(link), x, y, wide,
                 link.colour);
  }
  void DrawNumber(Figure& figure, const Link& link) const {
    figure.Text(boxes_[link.to].x - 6, EndOf(link) + 4, Grouped(link.count), Figure::Face::kNumber,
                Figure::Align::kRight);
  }

  void DrawBox(Figure& figure, size_t index) const {
    const Box& box = boxes_[index];
    figure.Frame(box.x, box.y, box.width, box.height, kPaper);
    double x = box.x + 8;
    const bool table = index >= graph_.address_spaces && index < graph_.sources.size();
    if (table || index >= graph_.sources.size()) {
      figure.Piece(
          box.x, box.y, kStripe, box.height,
          table ? PageState::kSharedTable : graph_.groups[index - graph_.sources.size()].look);
      x += kStripe;
    }
    double y = box.Middle() - kLineHeight * static_cast<double>(box.lines.size()) / 2 + 11;
    for (size_t i = 0; i < box.lines.size(); ++i, y += kLineHeight) {
      const bool last = i + 1 == box.lines.size();
      figure.Text(x, y, box.lines[i], last ? Figure::Face::kFaint : Figure::Face::kBold);
    }
  }

  std::vector<Figure::LegendEntry> LegendOf() const {
    std::vector<bool> used(kPageStates);
    for (const FrameGroup& group : graph_.groups) used[static_cast<size_t>(group.look)] = true;
    if (graph_.sources.size() > graph_.address_spaces) {
      used[static_cast<size_t>(PageState::kSharedTable)] = true;
    }
    std::vector<Figure::LegendEntry> legend;
    for (size_t i = 0; i < used.size(); ++i) {
      const auto state = static_cast<PageState>(i);
      if (used[i]) legend.push_back({state, LookOf(state).name});
    }
    return legend;
  }

  const SharingGraph& graph_;
  std::vector<Box> boxes_;  // of sources, then of groups
  std::vector<Link> links_;
  Boxes columns_[3];
  double width_ = 0;
  double height_ = 0;
};

}  // namespace

std::string SharingSvg(const SharingGraph& graph) { return Drawing(graph).Draw(); }

}  // namespace fv::exports
