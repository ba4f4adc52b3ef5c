// SPDX-License-Identifier: BSD-3-Clause
// Feeds a conversation by hand, a part of it missing, and prints what is known of its mail.
//
//     c++ -std=c++20 conversation.cc -o conversation $(pkg-config --cflags --static --libs smtpscope)
#include <smtpscope/engine.h>
#include <iostream>

using namespace smtpscope;

/// Wants mails and no other records.
class Mails final : public RecordSink {
    void smtp(const Info& mail) override {
        std::cout << mail.uid << " " << describe(mail) << "\n";
        if (mail.missed_bytes) std::cout << *mail.missed_bytes << " bytes of it are missing\n";
    }
};

int main() {
    Mails mails;
    Engine engine({}, mails);
    const Timestamp now = from_nanoseconds(1'700'000'000'000'000'000);
    const ConnId id{*Address::parse("192.0.2.1"), 40000, *Address::parse("192.0.2.2"), 25};
    const auto conversation = engine.open(id, now);
    conversation->data(Side::resp, "220 mail.example.net\r\n", now);
    conversation->data(Side::orig, "HELO client\r\nMAIL FROM:<alice@example.org>\r\n", now);
    conversation->data(Side::resp, "250 hello\r\n250 ok\r\n", now);
    conversation->data(Side::orig, "RCPT TO:<bob@example.net>\r\nDATA\r\n", now);
    conversation->data(Side::resp, "250 ok\r\n354 go on\r\n", now);
    conversation->data(Side::orig, "Subject: Hello\r\n\r\nHello Bob,\r\n", now);
    conversation->gap(Side::orig, 1000, now);
    conversation->data(Side::orig, "\r\n.\r\n", now);
    conversation->data(Side::resp, "250 queued as 1\r\n", now);
    conversation->finish(now);
}
