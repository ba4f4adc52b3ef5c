// SPDX-License-Identifier: BSD-3-Clause
// TC filters for kernels without tcx (before 6.6). Unlike a link, such a filter outlives its process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "capture/interfaces.h"

namespace smtpscope::capture {

enum class ClsactSide { ingress, egress };

/// The queueing discipline that filters need. Removed with this object if we made it and nobody else uses it.
class ClsactQdisc {
  public:
    /// Throws Error.
    explicit ClsactQdisc(const Interface& interface);
    ~ClsactQdisc();
    /// It stays when this object ends.
    void leave() { made_ = false; }
    ClsactQdisc(const ClsactQdisc&) = delete;
    ClsactQdisc& operator=(const ClsactQdisc&) = delete;

  private:
    unsigned ifindex_;
    bool made_ = false;
};

/// A filter of ours, removed with this object.
class ClsactFilter {
  public:
    /// Replaces a filter that a killed agent left, and no other. The caller holds the interface's InstanceLock, so no
    /// other agent uses it. Throws Error.
    ClsactFilter(std::shared_ptr<ClsactQdisc> qdisc, const Interface& interface, ClsactSide side, int program);
    ~ClsactFilter();
    /// It stays when this object ends.
    void leave();
    ClsactFilter(const ClsactFilter&) = delete;
    ClsactFilter& operator=(const ClsactFilter&) = delete;

  private:
    std::shared_ptr<ClsactQdisc> qdisc_;
    unsigned ifindex_;
    ClsactSide side_;
    bool stays_ = false;
};

/// The names of our filters on an interface: our handle, our priority and a program with our prefix.
std::vector<std::string> own_filters(unsigned ifindex, ClsactSide side);

/// Removes them. False if there were none.
bool remove_own_filter(unsigned ifindex, ClsactSide side);

/// Removes an interface's clsact queueing discipline if it has no filters. False if it has, or if it is not there.
bool remove_unused_qdisc(unsigned ifindex);

const char* to_string(ClsactSide side);

}  // namespace smtpscope::capture
