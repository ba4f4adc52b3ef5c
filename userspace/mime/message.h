// SPDX-License-Identifier: BSD-3-Clause
// The structure of a mail message (RFC 5322, RFC 2046), line by line: entities within entities, and their header
// fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mime/header.h"
#include "smtpscope/options.h"

namespace smtpscope::mime {

class Handler {
  public:
    virtual ~Handler() = default;
    virtual void mime_begin_entity() = 0;
    virtual void mime_one_header(const HeaderField& field) = 0;
    virtual void mime_end_entity() = 0;
    /// A limit was reached: `exceeded_mime_max_depth`, `exceeded_mime_max_header_bytes`.
    virtual void mime_limit(std::string_view name, std::size_t value) = 0;
};

class Message {
  public:
    /// Both outlive the message. The top-level entity begins at once.
    Message(const MimeOptions& options, Handler& handler);

    /// The next line, without its end; `crlf` is false for a piece of a line.
    void line(std::string_view text, bool crlf);
    /// Bytes are missing before the next line: a header field that was begun is not to be trusted.
    void gap();
    /// The message is over.
    void done();

  private:
    struct Entity {
        bool in_header = true;
        bool ended = false;  ///< its closing delimiter was seen; what follows is an epilogue
        bool has_field = false;
        std::string field;  ///< the header field being collected
        ContentType type;
    };
    enum class Delimiter { none, next, closing };

    static Delimiter match_delimiter(const Entity& e, std::string_view text);
    bool take_delimiter(std::string_view text);
    void header_line(Entity& e, std::string_view text);
    void continue_field(Entity& e, std::string_view text);
    void finish_field(Entity& e);
    void begin_child();
    void end_children(std::size_t parent);
    void end_entity(std::size_t i);

    const MimeOptions* options_;
    Handler* handler_;
    std::vector<Entity> entities_;  ///< from the message inwards; each is the current child of the one before it
};

}  // namespace smtpscope::mime
