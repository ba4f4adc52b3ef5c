// SPDX-License-Identifier: BSD-3-Clause
#include <thread>
#include "net/decode.h"
#include "smtpscope/engine.h"
#include "smtpscope/time.h"
