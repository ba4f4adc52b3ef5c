// SPDX-License-Identifier: BSD-3-Clause
// The structure of a mail message (RFC 5322, RFC 2046), line by line: entities within entities, their header fields,
// and their bodies with the transfer encoding decoded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mime/base64.h"
#include "mime/header.h"
#include "smtpscope/options.h"

namespace smtpscope::mime {

class Handler {
  public:
    virtual ~Handler() = default;
    virtual void mime_begin_entity() = 0;
    virtual void mime_one_header(const HeaderField& field) = 0;
    virtual void mime_end_entity() = 0;
    /// The next bytes of the newest entity's body, decoded. The first call, which may have none, says that there is a
    /// body.
    virtual void mime_data(std::string_view bytes) = 0;
    /// `length` octets of the message are lost; the newest entity's body continues after them, as far as is known.
    virtual void mime_gap(std::uint64_t length) = 0;
    /// `exceeded_mime_max_depth`, `exceeded_mime_max_header_bytes`, `base64_illegal_encoding`; the reference's texts.
    virtual void mime_weird(std::string_view name, std::string_view addl) = 0;
};

enum class Bodies : bool { skip, decode };

class Message {
  public:
    /// Both outlive the message. The top-level entity begins at once.
    Message(const MimeOptions& options, Bodies bodies, Handler& handler);
    Message(MimeOptions&&, Bodies, Handler&) = delete;

    /// The next line, without its end; `crlf` is false for a piece of a line.
    void line(std::string_view text, bool crlf);
    /// Several whole lines, each with its CRLF; there is no other CRLF in them.
    void lines(std::string_view text);
    /// `length` bytes are missing before the next line: a header field that was begun is not to be trusted, nor is one
    /// that the next line seems to be.
    void gap(std::uint64_t length);
    /// Passes on what has been decoded; otherwise that is done in larger pieces.
    void flush();
    /// The message is over.
    void done();

  private:
    struct Entity {
        bool in_header = true;
        bool ended = false;  ///< its closing delimiter was seen; what follows is an epilogue
        bool has_field = false;
        bool torn = false;           ///< bytes are missing right before the next line
        bool doubtful = false;       ///< the end of its header may be in the missing bytes
        bool resumed = false;        ///< a field has come since: its header went on
        std::uint64_t lost = 0;      ///< bytes that are missing in its header, or of its body
        bool within_parts = false;   ///< it is inside a multipart at some level: a delimiter may follow
        bool part = false;           ///< it is itself a part of a multipart
        bool held_line_end = false;  ///< the last line's end, which is the next delimiter's if one follows
        Encoding encoding = Encoding::identity;
        Base64Decoder base64;
        std::string field;  ///< the header field being collected
        ContentType type;
    };
    enum class Delimiter { none, next, closing };

    static Delimiter match_delimiter(const Entity& e, std::string_view text);
    bool take_delimiter(std::string_view text);
    void header_line(Entity& e, std::string_view text);
    void end_header(Entity& e);
    void report_lost(Entity& e);
    bool has_content(const Entity& e) const;
    std::size_t body_lines(Entity& e, std::string_view text);
    void begin_text(Entity& e);
    void end_text_line(Entity& e);
    void body_line(Entity& e, std::string_view text, bool crlf);
    void base64_line(Entity& e, std::string_view text, bool crlf);
    void text_line(Entity& e, std::string_view text, bool crlf);
    void finish_body(Entity& e);
    void report_base64(Entity& e);
    void continue_field(Entity& e, std::string_view text);
    void finish_field(Entity& e);
    void begin_child();
    void end_children(std::size_t parent);
    void end_entity(std::size_t i);

    const MimeOptions* options_;
    Handler* handler_;
    Bodies bodies_;
    bool content_due_ = false;      ///< a body has begun that the handler has not been told of
    std::string content_;           ///< decoded and not yet passed on
    std::vector<Entity> entities_;  ///< from the message inward; each is the current child of the one before it
};

}  // namespace smtpscope::mime
