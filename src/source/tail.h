// SPDX-License-Identifier: Apache-2.0
// Files of a source that grow: whole records as they are written, each once, also while the files
// are rotated.
//
//   tail.look(steady_us());                                    // some times a second
//   for (TailDelivery& delivery : tail.read()) ... keep it ...; tail.took(delivery);
//   ... make tail.positions() durable, then read on ...
//
// 1. A file is its number (inode) in its folder, and the bytes that it begins with: not its name. A
//    device's number would not do: it may be another one after a restart.
// 2. One that is renamed (logrotate) is read on under its new name, one that is removed for as long
//    as it is open. Once it has been replaced and unchanged for kTailRestUs, what it ends with is
//    a record even without a line end; the file of a name that is written to waits for one.
// 3. One that begins otherwise than it did, or is shorter than what was read (copytruncate), has
//    begun anew and is read from its begin.
// 4. One that is gone when it is to be read on is lost. Neither is silent: both are told and
//    counted.
//
// A copytruncate is not seen when the file has grown beyond what was read, with the same first
// kTailHeadBytes, between two looks; nor does it say what it cut off unread. Used by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "source/file_source.h"
#include "source/slice_reader.h"
#include "source/tail_positions.h"

namespace adweave::source {

inline constexpr int64_t kTailRestUs = 5 * limits::kSecondUs;

// What a source follows.
struct TailSource {
  std::string name;
  std::string folder;                 // that patterns are relative to
  std::vector<std::string> patterns;  // as of find_files(), but for names of compressed files
  FileFormat format;
};

// Records of a file, to be kept before more of it is read.
struct TailDelivery {
  size_t file = 0;        // which, until the next look()
  std::string body;       // behind the file's head, if its format has one
  std::string batch;      // id of it (source/tail_positions.h)
  TailPosition position;  // of the file once they are kept
};

struct TailCounts {
  int64_t files = 0;         // that are followed
  int64_t bytes_behind = 0;  // of them, not yet read
  int64_t begun_anew = 0;    // since the start, as lost
  int64_t lost = 0;
};

class Tail {
 public:
  // `known`: of this source, as far as it was read before. `trouble` is told what is wrong with a
  // file, which stops no other. `fs` must outlive it.
  Tail(const FileSystem& fs, TailSource source, const std::vector<TailPosition>& known,
       std::function<void(const Error&)> trouble);

  const std::string& source() const { return source_.name; }

  // Sees which files there are, and how far they go. By a clock that nobody sets: it tells how long
  // one has rested.
  void look(int64_t steady_us);

  // Some of each file that has whole records, at most limits::kDeliveryBytesMax of one and not much
  // more than twice that in all; empty: there are none at the moment. A longer line is cut.
  std::vector<TailDelivery> read();
  void took(const TailDelivery& delivery);

  std::vector<TailPosition> positions() const;
  TailCounts counts() const;

 private:
  struct Followed {
    TailPosition position;
    std::string path;
    std::unique_ptr<File> file;       // null: it could not be opened, or is done
    std::optional<std::string> head;  // of its format; none: not yet whole
    bool is_renamed = false;          // since it was first seen: it is written to no more
    bool is_there = false;            // under its path
    bool is_plain = true;             // else it is not read
    bool has_more = true;             // perhaps
    int64_t size = 0;                 // as it was last seen
    int64_t modified_us = 0;
    int64_t changed_at = 0;  // when that was seen; microseconds UTC
    int64_t named_at = 0;    // when a pattern last named it
    int64_t seen_at = 0;     // when it was there, or open
  };

  void find_named();
  void rename(Followed& file, const std::string& path, const std::string& name);
  Followed* known_as(const SourceFile& found);
  bool is_now(const Followed& file, const std::string& path) const;
  void see(Followed& file, int64_t size, int64_t modified_us);
  void find_renamed(Followed& file);
  bool is_over(Followed& file);
  void open(Followed& file);
  bool begins_as_before(const File& file, const TailPosition& position) const;
  void begin_anew(Followed& file);
  bool is_named(const Followed& file) const { return file.named_at == now_; }
  bool is_finished(const Followed& file) const;
  Result<bool> know_head(Followed& file);
  Result<std::optional<TailDelivery>> read(Followed& file);
  Result<bool> know_position(const Followed& file, std::string_view bytes, TailPosition& position);
  void tell(const Followed& file, const std::string& what, const std::string& fix);

  const FileSystem& fs_;
  TailSource source_;
  std::function<void(const Error&)> trouble_;
  std::unique_ptr<event::RecordCutter> cutter_;
  std::vector<Followed> files_;  // the longest known first
  size_t next_ = 0;              // of them, to be read
  int64_t now_ = 0;
  int64_t begun_anew_ = 0;
  int64_t lost_ = 0;
};

}  // namespace adweave::source
