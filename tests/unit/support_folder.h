// SPDX-License-Identifier: BSD-3-Clause
// A folder of a test's own.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace smtpscope::test {

/// Goes with the test, and all that is in it.
struct Folder {
    explicit Folder(const std::string& above = "/tmp") : path(above + "/smtpscope-unit-XXXXXX") {
        if (!mkdtemp(path.data())) throw std::system_error(errno, std::generic_category(), path);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string operator/(const std::string& name) const { return path + "/" + name; }

    std::string path;
};

}  // namespace smtpscope::test
