// SPDX-License-Identifier: BSD-3-Clause
#include "records/paths.h"

#include <algorithm>
#include <utility>

#include "smtpscope/text.h"

namespace smtpscope::records {

namespace {

constexpr std::string_view orcpt_prefix = "ORCPT=rfc822";

/// The reference removes the tag of an original recipient (RFC 3461, 4.2) from what it found.
std::string without_orcpt(std::string address) {
    for (auto at = address.find(orcpt_prefix); at != address.npos; at = address.find(orcpt_prefix, at)) {
        const std::size_t end = at + orcpt_prefix.size();
        address.erase(at, orcpt_prefix.size() + (end < address.size() && address[end] == ';' ? 1 : 0));
    }
    return address;
}

}  // namespace

std::string_view path_of(std::string_view arg, std::string_view keyword) {
    arg.remove_prefix(std::min(arg.find_first_not_of(' ', keyword.size()), arg.size()));
    return arg.starts_with('<') ? arg.substr(1, arg.find('>') - 1) : arg.substr(0, arg.find(' '));
}

std::vector<std::string> recipients_of(std::string_view arg) {
    std::vector<std::string> found = extract_email_addrs(arg);
    for (std::string& address : found) address = without_orcpt(std::move(address));
    return found;
}

}  // namespace smtpscope::records
