// SPDX-License-Identifier: BSD-3-Clause
// Descriptors that wake a thread up.
#pragma once

#include "capture/descriptor.h"

namespace smtpscope::agent {

using FileDescriptor = capture::Descriptor;

/// A descriptor that becomes readable, and stays so, once signal_event() was called. Throws std::system_error.
FileDescriptor make_event();
void signal_event(const FileDescriptor& event);

}  // namespace smtpscope::agent
