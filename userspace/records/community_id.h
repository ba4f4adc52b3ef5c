// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

#include "smtpscope/records.h"

namespace smtpscope::records {

/// The Community ID of a TCP connection (version 1, seed 0), by which records of other tools about it are found. It
/// does not depend on which end is the originator. nullopt if SHA-1 is switched off in the machine's libcrypto.
std::optional<std::string> community_id(const ConnId& id);

}  // namespace smtpscope::records
