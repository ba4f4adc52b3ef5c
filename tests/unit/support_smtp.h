// SPDX-License-Identifier: BSD-3-Clause
// What the SMTP analyzer says, as lines of text.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "smtp/analyzer.h"
#include "support_talk.h"

namespace smtpscope::test {

/// One line for each event:
///   > MAIL FROM:<a@b>            request; `> . final` if its reply ends the message
///   < 250 ok (MAIL FROM:<a@b>)   reply and the request that it answers; `<-` if more lines follow
///   ? RCPT TO:<c@d>              reply lost
///   commands lost; DATA lost
///   begin, | line, |~ piece of a line, gap N, end
///   starttls
///   smuggled <LF>.<LF>
///   > AUTH PLAIN as user          of AUTH and its answers
///   ! orig what: detail          unexpected
///   weird name: addl (source)
class SmtpRecorder final : public smtp::Handler {
  public:
    enum class Details { all, no_sizes };
    explicit SmtpRecorder(Details details = Details::all) : details_(details) {}

    Answer smtp_request(const smtp::Request& request) override;
    void smtp_reply(const smtp::Reply& reply) override;
    void smtp_reply_lost(smtp::Tag tag, smtp::Verb verb, bool final) override;
    void smtp_commands_lost() override { events.emplace_back("commands lost"); }
    void smtp_data_command_lost() override { events.emplace_back("DATA lost"); }
    void smtp_begin_data() override { events.emplace_back("begin"); }
    void smtp_data(std::string_view line, bool crlf) override;
    void smtp_data_lines(std::string_view lines) override;
    void smtp_data_gap(std::uint64_t length) override { events.push_back("gap " + std::to_string(length)); }
    void smtp_end_data(bool) override { events.emplace_back("end"); }
    void smtp_starttls() override { events.emplace_back("starttls"); }
    void smtp_smuggled(std::string_view how) override { events.push_back("smuggled " + std::string(how)); }
    void smtp_unexpected(Side side, std::string_view what, std::string_view detail) override;
    void smtp_weird(std::string_view name, std::string_view addl, std::string_view source) override;

    std::vector<std::string> events;
    /// From this request on the handler wants nothing more; 0: never.
    smtp::Tag stop_at = 0;

  private:
    std::string request_of(smtp::Tag tag, smtp::Verb verb, bool final) const;

    Details details_;
    smtp::Tag last_ = 0;
    std::map<smtp::Tag, std::string> requests_;
};

/// The script through an analyzer; each turn in pieces of `piece` bytes, 0: whole.
std::vector<std::string> analyze(const Script& script, std::size_t piece = 0, const Limits& limits = {});

}  // namespace smtpscope::test
