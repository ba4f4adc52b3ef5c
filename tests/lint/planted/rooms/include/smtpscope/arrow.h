// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/engine.h"
#include "net/decode.h"
#include <thread>
#include "smtpscope/time.h"
