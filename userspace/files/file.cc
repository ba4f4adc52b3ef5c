// SPDX-License-Identifier: BSD-3-Clause
#include "files/file.h"

#include <utility>

namespace smtpscope::files {

File::File(Context& context, FileInfo info)
    : context_(&context),
      info_(std::move(info)),
      hasher_(context.options->hashes),
      typed_(info_.mime_type.has_value()) {
    if (context_->content) extraction_ = context_->content->begin(info_);
}

File::~File() {
    if (extraction_ != ContentSink::none) context_->content->discard(extraction_);
}

void File::data(std::string_view bytes, Timestamp now) {
    info_.duration = now - info_.ts;
    info_.seen_bytes += bytes.size();
    if (!typed_) {
        beginning_ += bytes.substr(0, type_beginning - beginning_.size());
        if (beginning_.size() == type_beginning) detect();
    }
    if (info_.missing_bytes == 0) hasher_.update(bytes);
    if (extraction_ != ContentSink::none) context_->content->write(extraction_, bytes);
}

void File::gap(std::uint64_t length, Timestamp now) {
    // What comes after a gap is not the beginning.
    detect();
    info_.duration = now - info_.ts;
    info_.missing_bytes += length;
}

void File::detect() {
    if (std::exchange(typed_, true)) return;
    info_.mime_type = detect_type(beginning_);
    beginning_ = {};
}

FileInfo File::finish() {
    detect();
    if (info_.missing_bytes == 0) hasher_.finish(info_);
    if (extraction_ != ContentSink::none) {
        const ContentResult result = context_->content->end(extraction_);
        if (!result.name.empty()) {
            info_.extracted = result.name;
            info_.extracted_cutoff = result.cut_off;
            info_.extracted_size = result.size;
        }
    }
    return std::move(info_);
}

}  // namespace smtpscope::files
