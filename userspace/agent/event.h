// SPDX-License-Identifier: BSD-3-Clause
// Descriptors that wake a thread up.
#pragma once

#include "base/descriptor.h"

namespace smtpscope::agent {

/// A descriptor that becomes readable when signal_event() is called, and stays so. Throws std::system_error.
Descriptor make_event();
void signal_event(const Descriptor& event);

}  // namespace smtpscope::agent
