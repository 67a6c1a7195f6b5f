// SPDX-License-Identifier: Apache-2.0
//
// Reads a newc archive into a file tree. The archive is somebody's file: every length is checked
// against what is left before it is used.
#include <sys/stat.h>

#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "absl/strings/str_format.h"
#include "src/rootfs/cpio.h"

namespace fv::rootfs {
namespace {

constexpr size_t kHeaderBytes = 110;
constexpr size_t kFields = 13;
// PATH_MAX of Linux, the terminator included.
constexpr uint32_t kMaxNameBytes = 4096;

enum Field {
  kInode,
  kMode,
  kUid,
  kGid,
  kLinks,
  kMtime,
  kSize,
  kDevMajor,
  kDevMinor,
  kRdevMajor,
  kRdevMinor,
  kNameSize,
  kCheck
};
using Header = std::array<uint32_t, kFields>;

class Reader {
 public:
  explicit Reader(std::string_view archive) : archive_(archive) {}

  absl::StatusOr<FileTree> Read() {
    while (SkipZeros()) {
      absl::Status status = Member();
      if (!status.ok()) return status;
    }
    if (members_ == 0) return Bad("holds no member");
    return std::move(tree_);
  }

 private:
  absl::Status Bad(std::string_view what) const {
    return absl::DataLossError(absl::StrFormat("not a cpio archive in newc form: byte %d %s", at_,
                                               absl::string_view(what.data(), what.size())));
  }

  // Archives are padded with zeros and may follow each other.
  bool SkipZeros() {
    while (at_ < archive_.size() && archive_[at_] == '\0') ++at_;
    return at_ < archive_.size();
  }

  absl::StatusOr<std::string_view> Take(uint64_t bytes, std::string_view what) {
    if (bytes > archive_.size() - at_) return Bad(what);
    std::string_view taken = archive_.substr(at_, bytes);
    at_ = std::min(archive_.size(), (at_ + bytes + 3) / 4 * 4);
    return taken;
  }

  absl::StatusOr<Header> ReadHeader() {
    if (archive_.size() - at_ < kHeaderBytes) return Bad("begins a header that is cut off");
    std::string_view text = archive_.substr(at_, kHeaderBytes);
    if (text.substr(0, 5) != "07070" || (text[5] != '1' && text[5] != '2')) {
      return Bad("has no 070701 magic");
    }
    Header header;
    for (size_t i = 0; i < kFields; ++i) {
      const char* begin = text.data() + 6 + 8 * i;
      auto [end, error] = std::from_chars(begin, begin + 8, header[i], 16);
      if (error != std::errc() || end != begin + 8) return Bad("has a field that is no number");
    }
    return header;
  }

  absl::Status Member() {
    absl::StatusOr<Header> header = ReadHeader();
    if (!header.ok()) return header.status();
    uint32_t name_bytes = (*header)[kNameSize];
    if (name_bytes == 0 || name_bytes > kMaxNameBytes) return Bad("has a name of impossible size");
    // Name and data are each padded to 4 bytes, counted from the header's start.
    size_t start = at_;
    if (archive_.size() - start - kHeaderBytes < name_bytes)
      return Bad("has a name that is cut off");
    std::string_view name = archive_.substr(start + kHeaderBytes, name_bytes - 1);
    if (archive_[start + kHeaderBytes + name_bytes - 1] != '\0') return Bad("has an endless name");
    at_ = std::min(archive_.size(), (start + kHeaderBytes + name_bytes + 3) / 4 * 4);
    absl::StatusOr<std::string_view> data =
        Take((*header)[kSize], "begins a member that is cut off");
    if (!data.ok()) return data.status();
    ++members_;
    if (name == "TRAILER!!!") {
      first_names_.clear();
      return absl::OkStatus();
    }
    return Store(*header, name, *data);
  }

  absl::Status Store(const Header& header, std::string_view name, std::string_view data) {
    std::string path = NormalizePath(name);
    Node node{.permissions = header[kMode] & 07777,
              .uid = header[kUid],
              .gid = header[kGid],
              .mtime = header[kMtime],
              .device_major = header[kRdevMajor],
              .device_minor = header[kRdevMinor],
              .content = std::string(data)};
    switch (header[kMode] & S_IFMT) {
      case S_IFREG:
        return StoreFile(header, path, std::move(node));
      case S_IFDIR:
        node.type = NodeType::kDirectory;
        node.content.clear();
        break;
      case S_IFLNK:
        node.type = NodeType::kSymlink;
        break;
      case S_IFCHR:
        node.type = NodeType::kCharDevice;
        break;
      case S_IFBLK:
        node.type = NodeType::kBlockDevice;
        break;
      case S_IFIFO:
        node.type = NodeType::kFifo;
        break;
      case S_IFSOCK:
        return absl::OkStatus();  // a socket means nothing without its process
      default:
        return Bad("follows a member of an unknown type");
    }
    return tree_.Add(path, std::move(node));
  }

  // Names of one file share an inode; one of them, the last by custom, carries the data.
  absl::Status StoreFile(const Header& header, const std::string& path, Node node) {
    if (header[kLinks] < 2) return tree_.Add(path, std::move(node));
    std::array<uint32_t, 3> key = {header[kInode], header[kDevMajor], header[kDevMinor]};
    std::vector<std::string>& names = first_names_[key];
    if (!names.empty() && node.content.empty()) {
      names.push_back(path);
      return tree_.AddHardLink(path, names.front());
    }
    absl::Status status = tree_.Add(path, std::move(node));
    for (const std::string& earlier : names) {
      if (status.ok()) status = tree_.AddHardLink(earlier, path);
    }
    names.push_back(path);
    return status;
  }

  std::string_view archive_;
  size_t at_ = 0;
  size_t members_ = 0;
  FileTree tree_;
  std::map<std::array<uint32_t, 3>, std::vector<std::string>> first_names_;
};

}  // namespace

absl::StatusOr<FileTree> ReadCpio(std::string_view archive) { return Reader(archive).Read(); }

}  // namespace fv::rootfs
