// SPDX-License-Identifier: BSD-3-Clause
// The version of the library and of the agent.
//
// What stays stable: within one minor version (0.1.x) a program compiles and behaves the same with every later patch. A
// new minor version may add members to records and options, functions with a default to sinks, and values to enums; the
// changelog lists what it removes or changes. It is a static library: there is no promise of a stable ABI.
#pragma once

/// For people.
#define SMTPSCOPE_VERSION "0.1.0"

/// For the preprocessor: 10000 * major + 100 * minor + patch.
#define SMTPSCOPE_VERSION_NUMBER 100
