// SPDX-License-Identifier: BSD-3-Clause
// Descriptors that wake a thread up.
#pragma once

#include "base/descriptor.h"

namespace smtpscope::agent {

/// A descriptor that becomes readable, and stays so, once signal_event() was called. Throws std::system_error.
Descriptor make_event();
void signal_event(const Descriptor& event);

}  // namespace smtpscope::agent
