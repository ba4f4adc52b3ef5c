// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/records.h"
