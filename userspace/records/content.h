// SPDX-License-Identifier: BSD-3-Clause
// The message that is being received: its header fields go to the record of its transaction, its bodies to files.
#pragma once

#include <memory>
#include <string_view>

#include "files/file.h"
#include "mime/message.h"
#include "records/scope.h"

namespace smtpscope::records {

class Content final : public mime::Handler {
  public:
    /// `scope` outlives it. `is_orig`: the originator sends the message.
    Content(Scope& scope, bool is_orig);
    ~Content() override;

    /// A line, dots unstuffed; without `crlf` a piece of a line.
    void line(std::string_view text, bool crlf);
    /// Several, each with its CRLF.
    void lines(std::string_view text);
    void gap(std::uint64_t length);
    std::uint64_t size() const { return size_; }  ///< so far, with each line end counted as CRLF, lost bytes included
    /// Ends the current time: what is still to be decoded gets a later one.
    void flush();
    void done(bool sized);  ///< not `sized`: how much there was of it is not known

    bool begun() const { return begun_; }  ///< a line was seen

    void mime_begin_entity() override;
    void mime_one_header(const mime::HeaderField& field) override;
    void mime_end_entity() override;
    void mime_data(std::string_view bytes) override;
    void mime_gap(std::uint64_t length) override;
    void mime_weird(std::string_view name, std::string_view addl) override;

  private:
    std::unique_ptr<files::File> begin_file(std::string_view mime_type, Timestamp ts);
    void end_file(std::unique_ptr<files::File>& file);
    void add_to_whole(std::string_view text);
    void flush_whole();

    void header_field(Draft& mail, const mime::HeaderField& field);
    void received(Draft& mail, std::string_view value);
    void addresses(std::optional<StringSet>& set, std::string_view value, std::size_t limit,
                   std::string_view limit_weird);

    Scope* scope_;
    bool is_orig_;
    bool begun_ = false;
    Timestamp lost_at_{};                 ///< the newest loss
    std::uint64_t size_ = 0;              ///< of the content, with each line end counted as CRLF
    std::string raw_;                     ///< lines for whole_, not yet passed on
    std::unique_ptr<files::File> whole_;  ///< the message itself, where that is asked for
    std::unique_ptr<files::File> body_;   ///< of the newest entity
    mime::Message message_;               ///< last, because it calls its handler at once
};

/// Adds new addresses to the set, up to `limit` of them (0: no limit); false if the limit was reached.
bool insert_addresses(std::optional<StringSet>& set, std::vector<std::string> addresses, std::size_t limit);

}  // namespace smtpscope::records
