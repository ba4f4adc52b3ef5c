// SPDX-License-Identifier: BSD-3-Clause
// Addresses in text. Mailboxes are compared with a plain version of the rule that the fast scanner follows.
#include <string>
#include <vector>

#include "fuzz.h"
#include "smtpscope/address.h"
#include "smtpscope/text.h"

namespace smtpscope {
namespace {

bool lies_within(std::string_view part, std::string_view whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

/// The end of the longest `[^,]+@[^,]+` at `start`; 0 if there is none.
std::size_t plain_mailbox(std::string_view text, std::size_t start) {
    const std::string_view part = text.substr(std::min(start, text.size()), text.find(',', start) - start);
    const std::size_t at = part.empty() ? part.npos : part.find('@', 1);
    return at == part.npos || at + 1 == part.size() ? 0 : start + part.size();
}

std::vector<std::string> mailboxes(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t start = 0; start < text.size();) {
        std::size_t end = 0;
        const std::size_t quote = text[start] == '"' ? text.find('"', start + 1) : text.npos;
        if (quote != text.npos) end = plain_mailbox(text, quote + 1);
        if (end == 0) end = plain_mailbox(text, start);
        if (end == 0) {
            ++start;
            continue;
        }
        std::string_view mailbox = text.substr(start, end - start);
        constexpr std::string_view space = " \t\n\v\f\r";
        mailbox.remove_prefix(std::min(mailbox.find_first_not_of(space), mailbox.size()));
        while (!mailbox.empty() && space.find(mailbox.back()) != space.npos) mailbox.remove_suffix(1);
        out.emplace_back(mailbox);
        start = end;
    }
    return out;
}

void run(std::string_view text) {
    const std::vector<std::string> mails = extract_email_addrs(text);
    for (const std::string& m : mails)
        ENSURE(m.find('@') != m.npos && m.find_first_of("<>,:; \t") == m.npos && m.size() <= text.size());
    ENSURE(extract_first_email_addr(text) == (mails.empty() ? "" : mails[0]));

    ENSURE(split_mime_email_addresses(text) == mailboxes(text));

    const auto any = extract_ip_addresses(text, Wrapping::any);
    for (const std::string_view a : any) ENSURE(lies_within(a, text) && Address::parse(a));
    std::size_t i = 0;
    for (const std::string_view a : extract_ip_addresses(text, Wrapping::required)) {
        while (i < any.size() && any[i].data() != a.data()) ++i;
        ENSURE(i < any.size() && any[i] == a);
    }

    if (const auto address = Address::parse(text)) ENSURE(Address::parse(address->to_string()) == address);
    if (const auto net = Subnet::parse(text)) {
        ENSURE(net->contains(net->prefix) && SubnetSet({*net}).contains(net->prefix));
        ENSURE(Subnet::parse(net->to_string()) == net);
    }
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
