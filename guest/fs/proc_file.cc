// SPDX-License-Identifier: Apache-2.0
//
// Open generated files: the text is built by a read from position 0 and kept for the rest.
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "guest/fs/object.h"
#include "guest/fs/proc_inode.h"

namespace fv::guest {

namespace {

constexpr size_t kMaxStore = 256;

class GeneratedFile final : public File {
 public:
  GeneratedFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  Result<uint64_t> Read(IoBuffer& to, uint64_t& position) override;
  Result<uint64_t> Write(IoBuffer& from, uint64_t& position, const IoContext& context) override;
  Result<uint64_t> Seek(int64_t offset, int whence) override {
    // As seq_lseek: there is no end to seek from.
    return whence == SEEK_SET || whence == SEEK_CUR ? SeekWithin(position(), 0, offset, whence)
                                                    : Result<uint64_t>(Error(EINVAL));
  }
  bool seekable() const override { return true; }
  bool spliceable() const override { return true; }
  bool pollable() const override { return false; }

 private:
  const ProcInode& node() const { return static_cast<const ProcInode&>(inode()); }
  void Destroy() override { DestroyObject(this); }
  TextBuffer text_;
  bool built_ = false;
};

Result<uint64_t> GeneratedFile::Read(IoBuffer& to, uint64_t& position) {
  if (node().node().show == nullptr) {
    return Error(EINVAL);
  }
  if (position == 0 || !built_) {
    text_.Clear();
    TRY(node().node().show(text_, node().key()));
    if (text_.failed()) {
      return Error(ENOMEM);
    }
    built_ = true;
  }
  if (position < text_.size()) {
    position += to.CopyOut(text_.data() + position, text_.size() - position);
  }
  return to.Outcome();
}

Result<uint64_t> GeneratedFile::Write(IoBuffer& from, uint64_t& position, const IoContext&) {
  if (node().node().store == nullptr) {
    return Error(EIO);  // who may override the permission bits gets as far as this
  }
  char text[kMaxStore + 1];
  const size_t length = from.CopyIn(text, kMaxStore);
  if (from.faulted()) {
    return Error(EFAULT);
  }
  text[length] = '\0';
  TRY(node().node().store(node().key(), text, length));
  position += length;
  return uint64_t{length};
}

}  // namespace

Result<Ref<File>> OpenGenerated(Ref<Dentry> dentry, uint32_t flags) {
  GeneratedFile* file = MakeObject<GeneratedFile>(std::move(dentry), flags);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

}  // namespace fv::guest
