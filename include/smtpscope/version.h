// SPDX-License-Identifier: BSD-3-Clause
// Which version this is, of the library and of the agent.
//
// What stays: within one minor version (0.1.x) a program compiles and means the same with every later patch. A new
// minor version may add members to records and options, functions with a default to sinks, and values to enums; what it
// takes away or changes, the changelog says. It is a static library: nothing is promised about its binary form.
#pragma once

/// For people.
#define SMTPSCOPE_VERSION "0.1.0"

/// For the preprocessor: 10000 * major + 100 * minor + patch.
#define SMTPSCOPE_VERSION_NUMBER 100
