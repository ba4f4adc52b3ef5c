// SPDX-License-Identifier: BSD-3-Clause
// What outlives a process so that the next one continues where it ended: the rings, the other maps, the attachments.
// The service manager holds the descriptors in between.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/descriptor.h"

namespace smtpscope::capture {

/// A descriptor under a name of at most 64 characters of [a-z0-9_-], which tells its meaning and its version.
struct Kept {
    std::string name;
    int fd;
    bool inherited = false;  ///< an earlier process had kept it under this name
};

/// The name under which a thing of this version is kept.
std::string kept_name(const std::string& what);

/// Takes a program off its interface at once: while the service manager has the link too, closing it is not enough.
void end_link(Descriptor link);

/// Descriptors that an earlier process kept. Those that are not taken are closed at the end; they cease to exist
/// when the service manager closes them, too.
class Inheritance {
  public:
    Inheritance() = default;
    /// Owns the descriptors from now on. Those of another version of ours cannot be used and end at once, so that they
    /// are not in the way; those that are not ours are closed.
    explicit Inheritance(const std::vector<Kept>& handed_over);

    bool empty() const { return descriptors_.empty(); }
    /// Whether some were of another version.
    bool was_of_another_version() const { return another_version_; }
    bool has(const std::string& what) const { return fd(what) >= 0; }
    /// The descriptor, without taking it; -1 if it is not there.
    int fd(const std::string& what) const;
    /// An empty descriptor if it is not there.
    Descriptor take(const std::string& what);

  private:
    std::map<std::string, Descriptor> descriptors_;
    bool another_version_ = false;
};

}  // namespace smtpscope::capture
