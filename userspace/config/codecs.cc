// SPDX-License-Identifier: BSD-3-Clause
#include "config/codecs.h"

#include <sys/un.h>

namespace smtpscope::config {
namespace {

/// The value as it is in the file, for a message.
std::string quoted(const YAML::Node& node) {
    switch (node.Type()) {
        case YAML::NodeType::Scalar:
            return "\"" + node.Scalar() + "\"";
        case YAML::NodeType::Sequence:
            return "a list";
        case YAML::NodeType::Map:
            return "a section";
        default:
            return "nothing";
    }
}

// yaml-cpp gives a quoted scalar the tag `!` and a plain one `?`.
bool is_plain(const YAML::Node& node) {
    return node.IsScalar() && node.Tag() != "!";
}

[[noreturn]] void wrong_type(const YAML::Node& node, const std::string& expected) {
    const std::string hint = node.IsScalar() && !is_plain(node) ? " (without quotes)" : "";
    throw BadValue(node, quoted(node) + " is not " + expected + hint + ".");
}

}  // namespace

std::string plain_scalar(const YAML::Node& node, const std::string& expected) {
    if (!is_plain(node)) wrong_type(node, expected);
    return node.Scalar();
}

std::string text_scalar(const YAML::Node& node, const std::string& expected) {
    if (!node.IsScalar()) wrong_type(node, expected);
    return node.Scalar();
}

void expect_list(const YAML::Node& node) {
    if (!node.IsSequence()) throw BadValue(node, quoted(node) + " is not a list, such as [a, b].");
}

std::uint64_t bounded_number(const YAML::Node& node, std::uint64_t least, std::uint64_t most) {
    const bool bounded = most < static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const std::string expected = bounded ? "a number from " + std::to_string(least) + " to " + std::to_string(most)
                                         : "a number of " + std::to_string(least) + " or more";
    const auto number = parse_number(plain_scalar(node, expected));
    if (!number || *number < least || *number > most) wrong_type(node, expected);
    return *number;
}

std::uint64_t bounded_size(const YAML::Node& node, std::uint64_t least, std::uint64_t most) {
    const std::string expected = "a size in bytes, such as 65536, 100MB or 16MiB";
    const auto size = parse_size(plain_scalar(node, expected));
    if (!size) wrong_type(node, expected);
    if (*size < least || *size > most)
        throw BadValue(node,
                       quoted(node) + " is not between " + format_size(least) + " and " + format_size(most) + ".");
    return *size;
}

void not_one_of(const YAML::Node& node, const std::vector<std::string_view>& names) {
    std::string list;
    for (const std::string_view n : names) list.append(list.empty() ? "" : ", ").append(n);
    const std::string hint = node.IsScalar() ? "; the nearest is " + nearest(names, node.Scalar()) : "";
    throw BadValue(node, quoted(node) + " is not one of " + list + hint + ".");
}

void Bool::parse(const YAML::Node& node, bool& into) {
    const std::string text = plain_scalar(node, "true or false");
    if (text != "true" && text != "false") wrong_type(node, "true or false");
    into = text == "true";
}

void Time::parse(const YAML::Node& node, Duration& into) {
    const std::string expected = "a duration with a unit, such as 500ms, 30s, 15m or 1d";
    const auto d = parse_duration(plain_scalar(node, expected));
    if (!d) wrong_type(node, expected);
    into = *d;
}

void Text::parse(const YAML::Node& node, std::string& into) {
    into = text_scalar(node, "text");
    if (into.empty()) throw BadValue(node, "the text is empty.");
}

void Path::parse(const YAML::Node& node, std::string& into) {
    const std::string text = text_scalar(node, "a path");
    if (!text.starts_with('/')) throw BadValue(node, quoted(node) + " is not an absolute path: begin it with a slash.");
    if (text.find('\0') != std::string::npos) throw BadValue(node, "a path cannot hold a NUL byte.");
    into = text;
}

void OptionalPath::parse(const YAML::Node& node, std::string& into) {
    if (node.IsNull())
        into.clear();
    else
        Path::parse(node, into);
}

void OptionalPath::dump(YAML::Emitter& out, const std::string& value) {
    if (value.empty())
        out << YAML::Null;
    else
        out << value;
}

void SocketPath::parse(const YAML::Node& node, std::string& into) {
    Path::parse(node, into);
    constexpr std::size_t room = sizeof(sockaddr_un::sun_path) - 1;
    if (into.size() > room)
        throw BadValue(node, quoted(node) + " is longer than a socket's path can be (" + std::to_string(room) + ").");
}

void Network::parse(const YAML::Node& node, Subnet& into) {
    const std::string expected = "a network, such as 192.0.2.0/24 or 2001:db8::/32";
    const auto net = Subnet::parse(text_scalar(node, expected));
    if (!net) wrong_type(node, expected);
    into = *net;
}

void Networks::parse(const YAML::Node& node, SubnetSet& into) {
    std::vector<Subnet> nets;
    List<Network>::parse(node, nets);
    into = SubnetSet(nets);
}

void Networks::dump(YAML::Emitter& out, const SubnetSet& value) {
    List<Network>::dump(out, value.subnets());
}

void Interface::parse(const YAML::Node& node, std::string& into) {
    const std::string text = text_scalar(node, "an interface's name");
    if (text.empty() || text.find_first_of("/ \t") != std::string::npos)
        throw BadValue(node, quoted(node) + " is not an interface's name or glob: it has no blanks and no slashes.");
    into = text;
}

}  // namespace smtpscope::config
