// SPDX-License-Identifier: BSD-3-Clause
// The MIME parser: entities are nested like brackets, no limit is passed, and lines may come one by one or
// together.
#include "fuzz.h"
#include "mime/message.h"

namespace smtpscope {
namespace {

using fuzz::Input;

class Checker final : public mime::Handler {
  public:
    explicit Checker(const MimeOptions& options, std::size_t longest_line)
        : options_(options), longest_line_(longest_line) {}

    void mime_begin_entity() override {
        text_ += "(";
        ++open_;
        ENSURE(options_.max_depth == 0 || open_ <= options_.max_depth + 1);
    }
    void mime_one_header(const mime::HeaderField& field) override {
        text_ += "<" + std::string(field.name) + ":" + std::string(field.value) + ">";
        ENSURE(open_ > 0);
        ENSURE(!field.name.empty() && field.name.find_first_of(" \t:\r\n") == field.name.npos);
        ENSURE(field.value.find_first_of("\r\n") == field.value.npos);
        ENSURE(field.name.data() + field.name.size() < field.value.data() + field.value.size() + 1);
        if (options_.max_header_bytes > 0)
            ENSURE(field.name.size() + field.value.size() <= options_.max_header_bytes + 2 * longest_line_);
    }
    void mime_end_entity() override {
        text_ += ")";
        ENSURE(open_ > 0);
        --open_;
    }
    void mime_data(std::string_view bytes) override {
        ENSURE(open_ > 0);
        decoded_ += bytes.size();
        text_ += bytes;
    }
    void mime_gap(std::uint64_t) override {
        text_ += "|";
        ENSURE(open_ > 0);
    }
    void mime_weird(std::string_view name, std::string_view addl) override {
        weirds_ += std::string(name) + std::string(addl) + "\n";
        if (name == "base64_illegal_encoding") return;
        const std::size_t limit = name == "exceeded_mime_max_depth" ? options_.max_depth : options_.max_header_bytes;
        ENSURE(limit > 0 && std::stoull(std::string(addl)) >= limit);
    }
    std::size_t decoded() const { return decoded_; }
    /// All output, except how bodies were cut into pieces and when weirds about them were noticed.
    std::string said() const { return text_ + "\n" + weirds_; }
    bool all_ended() const { return open_ == 0; }

  private:
    const MimeOptions& options_;
    std::size_t longest_line_;
    std::size_t open_ = 0;
    std::size_t decoded_ = 0;
    std::string text_, weirds_;
};

/// What is said of the text, whose lines end with LF; they come one by one, or up to `together` of them at once.
std::string parse(const MimeOptions& options, std::uint8_t odd, std::string_view text, std::size_t together) {
    const std::size_t size = text.size();
    Checker checker(options, text.size());
    mime::Message message(options, (odd & 64) != 0 ? mime::Bodies::skip : mime::Bodies::decode, checker);
    std::string lines;
    std::size_t waiting = 0;
    const auto hand_on = [&] {
        message.lines(lines);
        lines.clear();
        waiting = 0;
    };
    for (unsigned number = 0; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.find('\r') != line.npos) continue;  // lines come without any
        const bool gap = odd != 0 && number % odd == odd - 1U, whole = odd % 3 != 1 || number % 5 != 0;
        if (gap || !whole) hand_on();
        if (gap) message.gap(1);
        if (!whole || together == 0) {
            message.line(line, whole);
        } else {
            lines += std::string(line) + "\r\n";
            if (++waiting == together) hand_on();
        }
    }
    hand_on();
    message.done();
    ENSURE(checker.all_ended());
    ENSURE(checker.decoded() <= 3 * size + 2);  // no octet grows but a line end: LF here, CRLF there
    return checker.said();
}

void run(Input in) {
    MimeOptions options;
    options.max_depth = in.below(8);
    options.max_header_bytes = std::size_t{in.byte()} * 4;
    const std::uint8_t odd = in.byte();
    const std::size_t together = 1 + in.below(40);
    const std::string_view text = in.rest();
    ENSURE(parse(options, odd, text, 0) == parse(options, odd, text, together));
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
