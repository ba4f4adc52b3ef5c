// SPDX-License-Identifier: BSD-3-Clause
#include "config/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

#include "base/descriptor.h"
#include "config/keys.h"
#include "log/privacy.h"

namespace smtpscope::config {
namespace {

/// Error at a place in `name`; `column_offset` is where the first line of the text began there.
[[noreturn]] void fail(const std::string& name, const YAML::Mark& mark, const std::string& message,
                       int column_offset = 0) {
    const int line = mark.is_null() ? 1 : mark.line + 1;
    const int column = (mark.is_null() ? 1 : mark.column + 1) + (line == 1 ? column_offset : 0);
    throw Error(name + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + message);
}

/// Where the content of each document of a text begins.
struct DocumentStarts final : YAML::EventHandler {
    using Mark = YAML::Mark;
    using Text = std::string;
    void OnDocumentStart(const Mark&) override { begins = true; }
    void OnDocumentEnd() override {}
    void OnNull(const Mark& mark, YAML::anchor_t) override { note(mark); }
    void OnAlias(const Mark& mark, YAML::anchor_t) override { note(mark); }
    void OnScalar(const Mark& mark, const Text&, YAML::anchor_t, const Text&) override { note(mark); }
    void OnSequenceStart(const Mark& mark, const Text&, YAML::anchor_t, YAML::EmitterStyle::value) override {
        note(mark);
    }
    void OnSequenceEnd() override {}
    void OnMapStart(const Mark& mark, const Text&, YAML::anchor_t, YAML::EmitterStyle::value) override { note(mark); }
    void OnMapEnd() override {}

    void note(const Mark& mark) {
        if (std::exchange(begins, false)) marks.push_back(mark);
    }
    std::vector<Mark> marks;
    bool begins = false;
};

/// Throws BadValue if there is a second document, which would otherwise be ignored silently. YAML::LoadAll
/// will not do: at an unexpected token it finds documents without end (yaml-cpp #1319).
void check_one_document(const std::string& text) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    DocumentStarts starts;
    while (starts.marks.size() < 2 && parser.HandleNextDocument(starts)) {
    }
    if (starts.marks.size() < 2) return;
    if (starts.marks[0].pos == starts.marks[1].pos) throw BadValue(starts.marks[1], "this is not YAML.");
    throw BadValue(starts.marks[1], "a configuration is one document; remove the second.");
}

void apply_text(std::string_view text, const std::string& name, Config& into) {
    try {
        const std::string copy(text);
        check_one_document(copy);
        table().set_all("", YAML::Load(copy), into);
    } catch (const BadValue& e) {
        fail(name, e.mark, e.what());
    } catch (const YAML::Exception& e) {
        fail(name, e.mark, "this is not YAML: " + e.msg + ".");
    }
}

void apply_override(const std::string& text, Config& into) {
    const std::string name = "--set";
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        fail(name, {}, "\"" + text + "\" is not KEY=VALUE, such as capture.ports=[25,587].");
    const int value_column = static_cast<int>(equals) + 1;
    YAML::Mark key_mark;
    key_mark.column = -value_column;  // errors about the key point at the beginning of the argument
    try {
        table().set(text.substr(0, equals), key_mark, YAML::Load(text.substr(equals + 1)), into);
    } catch (const BadValue& e) {
        fail(name, e.mark, e.what(), value_column);
    } catch (const YAML::Exception& e) {
        fail(name, e.mark, text.substr(0, equals) + ": the value is not YAML: " + e.msg + ".", value_column);
    }
}

struct File {
    std::string text;
    Timestamp modified;
};

/// nullopt if there is no such file; throws Error if it cannot be read.
std::optional<File> read_file(const std::string& path) {
    const auto refuse = [&] {
        throw Error(path + ": the configuration cannot be read: " + std::strerror(errno) + ".");
    };
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        if (errno == ENOENT) return std::nullopt;
        refuse();
    }
    std::string text;
    char buffer[16384];
    ssize_t n = 0;
    while ((n = ::read(fd.get(), buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(n));
    if (n < 0) refuse();
    struct stat status {};
    ::fstat(fd.get(), &status);
    return File{std::move(text),
                from_nanoseconds(status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec)};
}

/// A key that cannot be read is found before anything is started or replaced.
void check_key(const log::Privacy& privacy, const std::string& name) {
    if (privacy.key_file.empty()) return;
    try {
        log::key_of(privacy);
    } catch (const std::runtime_error& e) {
        throw Error(name + ": log.privacy.key_file: " + e.what());
    }
}

}  // namespace

EngineOptions Config::engine_options() const {
    EngineOptions options;
    options.analyzer = analyzer;
    options.mime = mime;
    options.files = files;
    options.notices = notices;
    options.software = software;
    options.limits = limits;
    options.likely_server_ports = capture.ports;
    options.validate_checksums = capture.checksums == capture::ChecksumMode::validate;
    return options;
}

Config parse(std::string_view text, const std::string& name, const std::vector<std::string>& overrides) {
    Config config;
    apply_text(text, name, config);
    for (const std::string& o : overrides) apply_override(o, config);
    return config;
}

std::string absolute_path(const std::string& path) {
    return std::filesystem::absolute(path.empty() ? std::string(default_path) : path).lexically_normal();
}

Config load(const std::string& path, const std::vector<std::string>& overrides) {
    const std::string from = path.empty() ? std::string(default_path) : path;
    const std::optional<File> file = read_file(from);
    if (!file && !path.empty())
        throw Error(path + ": there is no such file; create it, or start with another -c or without one.");
    Config config = parse(file ? file->text : "", from, overrides);
    if (file) config.origin = {absolute_path(from), file->modified};
    check_key(config.log.privacy, from);
    return config;
}

std::string dump(const Config& config) {
    YAML::Emitter out;
    MapWriter map(out);
    for (const auto& key : table().keys()) {
        map.key(key.path);
        key.dump(out, config);
    }
    map.close();
    return std::string(out.c_str()) + "\n";
}

}  // namespace smtpscope::config
