// SPDX-License-Identifier: BSD-3-Clause
// Every key of the configuration: a new one is a line in keys.cc.
#pragma once

#include "config/table.h"

namespace smtpscope::config {

const Table<Config>& table();

}  // namespace smtpscope::config
