// SPDX-License-Identifier: BSD-3-Clause
#include <openssl/evp.h>
#include <smtpscope/engine.h>
#include <yaml-cpp/yaml.h>
#include <fstream>
#include "../engine/engine.h"
#include "records/record.h"
#include "smtpscope/engine.h"
#include "smtpscope/records.h"
#include "tcp/table.h"
