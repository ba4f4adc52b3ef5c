// SPDX-License-Identifier: BSD-3-Clause
// TLS handshakes: turns of both sides, cut anywhere, give the same result.
#include <string>
#include <vector>

#include "fuzz.h"
#include "tls/handshake.h"

namespace smtpscope {
namespace {

struct Turn {
    Side side;
    std::string_view bytes;
};

std::string text_of(const tls::Handshake& h) {
    SslInfo rec;
    h.fill(rec);
    std::string out;
    for (const auto* field :
         {&rec.version, &rec.cipher, &rec.curve, &rec.server_name, &rec.last_alert, &rec.next_protocol}) {
        if (*field) ENSURE((*field)->size() <= 255);
        out += field->value_or("-") + "|";
    }
    out += rec.resumed ? "r" : "";
    out += rec.established ? "e" : "";
    out += h.recognized() ? "h" : "";
    return out + (h.done() ? "d" : "");
}

void run(fuzz::Input in) {
    fuzz::Random random(in.u16());
    std::vector<Turn> turns;
    while (!in.empty()) {
        const std::uint16_t size = in.u16();
        turns.push_back({(size & 0x8000) != 0 ? Side::resp : Side::orig, in.text(size & 0x7fff)});
    }
    tls::Handshake whole, cut, torn;
    for (const Turn& t : turns) {
        whole.data(t.side, t.bytes);
        for (std::string_view rest = t.bytes; !rest.empty();) {
            const std::string_view piece = rest.substr(0, 1 + random.below(50));
            cut.data(t.side, piece);
            rest.remove_prefix(piece.size());
            if (random.below(20) == 0) torn.gap(t.side);
            torn.data(t.side, piece);
        }
    }
    ENSURE(text_of(whole) == text_of(cut));
    text_of(torn);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
