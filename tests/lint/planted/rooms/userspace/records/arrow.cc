// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/engine.h"
#include "tcp/table.h"
#include <fstream>
#include <smtpscope/engine.h>
#include "../engine/engine.h"
#include <yaml-cpp/yaml.h>
#include "records/record.h"
#include "smtpscope/records.h"
#include <openssl/evp.h>
