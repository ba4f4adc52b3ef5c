// SPDX-License-Identifier: BSD-3-Clause
// Prints a line of JSON for each mail in a capture file.
//
//     c++ -std=c++20 mails.cc -o mails $(pkg-config --cflags --static --libs smtpscope)
//     ./mails mail.pcap
#include <smtpscope/capture_file.h>
#include <smtpscope/engine.h>
#include <smtpscope/record_writer.h>
#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: mails CAPTURE-FILE\n";
        return 2;
    }
    try {
        using namespace smtpscope;
        CaptureFile file(argv[1]);
        RecordWriter writer(RecordWriter::Format::json, [](std::string_view stream, std::string_view line) {
            if (stream == "smtp") std::cout << line;
        });
        Engine engine({}, writer);
        const auto handler = [&](const Packet& packet) { engine.packet(packet); };
        while (file.read(handler) == CaptureFile::Status::more) {
        }
        engine.finish();
    } catch (const std::exception& error) {
        std::cerr << "mails: " << error.what() << "\n";
        return 1;
    }
}
