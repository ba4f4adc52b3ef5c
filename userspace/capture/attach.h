// SPDX-License-Identifier: BSD-3-Clause
// Puts the programs on an interface in the best way that it allows, and takes them off again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "capture/attachment.h"
#include "capture/inheritance.h"
#include "capture/interfaces.h"
#include "capture/programs.h"

namespace smtpscope::capture {

/// One way to attach, and why none that is better was chosen.
struct Way {
    AttachKind kind = AttachKind::xdp_native;
    std::string reason;
    std::string remedy = {};  ///< what would make a better way possible; may be empty
    bool operator==(const Way&) const = default;
};

/// The ways to see what an interface receives, the best first; later ones are tried where earlier ones
/// are refused. Empty if egress sees everything (loopback: what is sent is what is received, and once is enough).
std::vector<Way> plan_ingress(const Interface& interface, XdpMode mode);

/// Whether what the interface sends is seen by a program of its own.
bool needs_egress(const Interface& interface, const std::vector<Way>& ingress);

enum class TcMeans {
    best,    ///< tcx where the kernel has it (6.6), else clsact
    clsact,  ///< for tests of what older kernels get
};

/// Whether TC programs can be links, which go with their process.
bool tcx_is_supported();

/// A program on an interface, for as long as this lives.
class Hook {
  public:
    virtual ~Hook() = default;
    /// The descriptor that keeps it attached; -1 if it stays without one.
    virtual int link() const { return -1; }
    /// From now on it stays attached when this object ends, if it needs no descriptor for that.
    virtual void leave() {}
    Attachment attachment;
    bool inherited = false;  ///< an earlier process had attached it
};

/// The name under which a later process finds the link of a hook.
std::string hook_name(unsigned ifindex, AttachKind kind);

/// Attaches for both directions. Links of an earlier process on this interface are taken over, with our programs in the
/// place of its own; those that have no place in the plan end. Throws Error, and then nothing stays.
std::vector<std::unique_ptr<Hook>> attach(const Programs& programs, const Interface& interface, XdpMode mode,
                                          Inheritance* inherited = nullptr, TcMeans means = TcMeans::best);

}  // namespace smtpscope::capture
