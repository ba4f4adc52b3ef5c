// SPDX-License-Identifier: BSD-3-Clause
#include "format/lines.h"

#include "format/escape.h"
#include "format/number.h"

namespace smtpscope::format {
namespace {

std::int64_t microseconds(Duration d) {
    return std::chrono::floor<std::chrono::microseconds>(d).count();
}

/// Appends the items with commas between them, each by `append(item)`.
template <class T, class Append>
void append_list(std::string& out, std::span<const T> items, Append append) {
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out += ',';
        append(items[i]);
    }
}

/// A value in JSON.
struct JsonValue {
    std::string& out;

    void operator()(std::monostate) const { out += "null"; }
    void operator()(bool v) const { out += v ? "true" : "false"; }
    void operator()(std::uint64_t v) const { append_number(out, v); }
    void operator()(Timestamp v) const { append_seconds(out, to_microseconds(v), Zeros::trim); }
    void operator()(Duration v) const { append_seconds(out, microseconds(v), Zeros::trim); }
    void operator()(std::string_view v) const { append_json_string(out, v); }
    void operator()(const Address& v) const {
        out += '"';
        append_address(out, v);
        out += '"';
    }
    template <class T>
    void operator()(std::span<const T> v) const {
        out += '[';
        append_list(out, v, [this](const T& item) { (*this)(item); });
        out += ']';
    }
};

/// A value in TSV.
struct TsvValue {
    std::string& out;

    void operator()(std::monostate) const { out += '-'; }
    void operator()(bool v) const { out += v ? 'T' : 'F'; }
    void operator()(std::uint64_t v) const { append_number(out, v); }
    void operator()(Timestamp v) const { append_seconds(out, to_microseconds(v), Zeros::keep); }
    void operator()(Duration v) const { append_seconds(out, microseconds(v), Zeros::keep); }
    void operator()(std::string_view v) const { append_tsv_string(out, v, Within::field); }
    void operator()(const Address& v) const { append_address(out, v); }
    void operator()(std::span<const std::string> v) const {
        if (v.empty()) out += "(empty)";
        append_list(out, v, [this](const std::string& item) { append_tsv_string(out, item, Within::set); });
    }
    void operator()(std::span<const Address> v) const {
        if (v.empty()) out += "(empty)";
        append_list(out, v, [this](const Address& item) { append_address(out, item); });
    }
};

void append_endpoint(std::string& out, const Address& host, std::uint16_t port) {
    if (!host.is_v4()) out += '[';
    append_address(out, host);
    if (!host.is_v4()) out += ']';
    out += ':';
    append_number(out, port);
}

}  // namespace

void append_json(std::string& out, const Stream& stream, std::span<const Value> values) {
    char separator = '{';
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::holds_alternative<std::monostate>(values[i])) continue;
        out += separator;
        separator = ',';
        out += stream.columns[i].json_key;
        std::visit(JsonValue{out}, values[i]);
    }
    if (separator == '{') out += '{';
    out += "}\n";
}

void append_tsv(std::string& out, std::span<const Value> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) out += '\t';
        std::visit(TsvValue{out}, values[i]);
    }
    out += '\n';
}

std::string tsv_header(const Stream& stream, Timestamp now) {
    std::string names = "#fields", types = "#types";
    for (const Column& c : stream.columns) {
        names += "\t" + c.name;
        types += "\t" + c.type;
    }
    return "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" +
           std::string(stream.name) + "\n#open\t" + local_stamp(now) + "\n" + names + "\n" + types + "\n";
}

std::string tsv_footer(Timestamp now) {
    return "#close\t" + local_stamp(now) + "\n";
}

void append_brief(std::string& out, Timestamp ts, const ConnId& id, std::string_view summary) {
    append_utc(out, ts);
    out += ' ';
    append_endpoint(out, id.orig_h, id.orig_p);
    out += " -> ";
    append_endpoint(out, id.resp_h, id.resp_p);
    out += ' ';
    append_visible(out, summary);
}

void append_brief(std::string& out, const Stream& stream, std::span<const Value> values, std::string_view summary) {
    const auto value = [&](std::string_view name) {
        const auto column = find_column(stream, name);
        return column ? values[*column] : Value();
    };
    const auto endpoint = [&](std::string_view host, std::string_view port) {
        const Value address = value(host), number = value(port);
        if (std::holds_alternative<Address>(address) && std::holds_alternative<std::uint64_t>(number))
            return append_endpoint(out, std::get<Address>(address),
                                   static_cast<std::uint16_t>(std::get<std::uint64_t>(number)));
        std::visit(TsvValue{out}, address);
        out += ':';
        std::visit(TsvValue{out}, number);
    };
    if (const Value ts = value("ts"); std::holds_alternative<Timestamp>(ts))
        append_utc(out, std::get<Timestamp>(ts));
    else
        out += '-';
    out += ' ';
    endpoint("id.orig_h", "id.orig_p");
    out += " -> ";
    endpoint("id.resp_h", "id.resp_p");
    out += ' ';
    append_visible(out, summary);
}

void append_plain(std::string& out, const Value& value) {
    if (const auto* text = std::get_if<std::string_view>(&value))
        out.append(*text);
    else
        std::visit(TsvValue{out}, value);
}

}  // namespace smtpscope::format
