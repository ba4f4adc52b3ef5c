// SPDX-License-Identifier: BSD-3-Clause
// AUTH dialogues: who logs in, and never the secret.
#include <string>
#include <vector>

#include "catch.h"
#include "smtp/auth.h"

using namespace smtpscope::smtp;
using namespace std::string_literals;

namespace {

std::string base64(const std::string& bytes) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0);
        for (std::size_t j = 0; j < 4; ++j) out += i + j > bytes.size() ? '=' : digits[group >> (18 - 6 * j) & 63];
    }
    return out;
}

/// An AUTHENTICATE_MESSAGE of NTLM.
std::string ntlm(const std::string& user, bool unicode) {
    std::string name;
    for (const char c : user) {
        name += c;
        if (unicode) name += '\0';
    }
    std::string message = "NTLMSSP\0\3\0\0\0"s + std::string(52, '\0');
    message[36] = message[38] = static_cast<char>(name.size());
    message[40] = 64;
    message[60] = unicode ? 1 : 2;
    return message + name;
}

}  // namespace

TEST_CASE("the mechanism and the user of an AUTH dialogue", "[smtp]") {
    const std::string cram = "user 0123456789abcdef0123456789abcdef";
    const struct {
        const char* name;
        std::string arguments;
        std::vector<std::string> dialogue;  // `<` before a challenge
        std::string mechanism, user;
    } rows[] = {
        {"PLAIN at once", "PLAIN " + base64("\0user\0secret"s), {}, "PLAIN", "user"},
        {"PLAIN for another", "PLAIN " + base64("boss\0user\0secret"s), {}, "PLAIN", "user"},
        {"PLAIN when asked", "plain", {"<", base64("\0user\0secret"s)}, "PLAIN", "user"},
        {"PLAIN, one NUL: which part is the secret?", "PLAIN " + base64("user\0secret"s), {}, "PLAIN", ""},
        {"PLAIN, three", "PLAIN " + base64("\0user\0sec\0ret"s), {}, "PLAIN", ""},
        {"PLAIN, no password", "PLAIN " + base64("user\0secret\0"s), {}, "PLAIN", ""},
        {"PLAIN, no base64", "PLAIN secret!", {}, "PLAIN", ""},
        {"LOGIN", "LOGIN", {"<VXNlcm5hbWU6", base64("user"), "<UGFzc3dvcmQ6", base64("secret")}, "LOGIN", "user"},
        {"LOGIN with the user at once",
         "login " + base64("user"),
         {"<UGFzc3dvcmQ6", base64("secret")},
         "LOGIN",
         "user"},
        {"LOGIN, the password first",
         "LOGIN",
         {"<UGFzc3dvcmQ6", base64("secret"), "<VXNlcm5hbWU6", base64("user")},
         "LOGIN",
         "user"},
        {"LOGIN, not in base64", "LOGIN", {"<VXNlcm5hbWU6", "secret!", "<?", base64("secret")}, "LOGIN", ""},
        {"LOGIN, cancelled", "LOGIN", {"<VXNlcm5hbWU6", "*"}, "LOGIN", ""},
        {"LOGIN, an empty user", "LOGIN", {"<", "", "<", base64("secret")}, "LOGIN", ""},
        {"CRAM-MD5", "CRAM-MD5", {"<PDEyMw==", base64(cram)}, "CRAM-MD5", "user"},
        {"CRAM-MD5 without a digest", "CRAM-MD5", {"<PDEyMw==", base64("user secret")}, "CRAM-MD5", ""},
        {"DIGEST-MD5",
         "DIGEST-MD5",
         {"<", base64("username=\"user\",realm=\"r\",response=secret")},
         "DIGEST-MD5",
         "user"},
        {"XOAUTH2", "XOAUTH2 " + base64("user=u@x\1auth=Bearer secret\1\1"), {}, "XOAUTH2", "u@x"},
        {"XOAUTH2, torn", "XOAUTH2 " + base64("auth=Bearer secret\1user=u"), {}, "XOAUTH2", ""},
        {"OAUTHBEARER",
         "OAUTHBEARER " + base64("n,a=u=2Cv=3Dw,\1host=h\1auth=Bearer secret\1\1"),
         {},
         "OAUTHBEARER",
         "u,v=w"},
        {"SCRAM",
         "SCRAM-SHA-256 " + base64("n,,n=user,r=nonce"),
         {"<", base64("c=biws,r=n,p=secret")},
         "SCRAM-SHA-256",
         "user"},
        {"EXTERNAL", "EXTERNAL " + base64("user"), {}, "EXTERNAL", "user"},
        {"EXTERNAL, by the certificate", "EXTERNAL =", {}, "EXTERNAL", ""},
        {"NTLM", "NTLM " + base64("NTLMSSP\0\1\0\0\0"s), {"<", base64(ntlm("user", true))}, "NTLM", "user"},
        {"NTLM, OEM characters", "NTLM", {"<", base64(ntlm("user", false))}, "NTLM", "user"},
        {"NTLM, beyond its end", "NTLM", {"<", base64(ntlm("user", true).substr(0, 66))}, "NTLM", ""},
        {"GSSAPI says nothing in clear", "GSSAPI " + base64("secret"), {}, "GSSAPI", ""},
        {"an unknown mechanism may be a secret", base64("\0user\0secret"s), {}, "", ""},
        {"an unknown word too", "SECRET " + base64("secret"), {}, "", ""},
        {"none", "", {}, "", ""},
        {"control characters", "LOGIN", {"<", base64("us\ner")}, "LOGIN", ""},
        {"a long name", "LOGIN", {"<", base64(std::string(255, 'u'))}, "LOGIN", std::string(255, 'u')},
        {"too long a name", "LOGIN", {"<", base64(std::string(256, 'u'))}, "LOGIN", ""},
    };
    for (const auto& r : rows) {
        INFO(r.name);
        AuthDialogue auth(r.arguments);
        for (const std::string& line : r.dialogue)
            line.starts_with('<') ? auth.challenge(std::string_view(line).substr(1)) : auth.answer(line);
        CHECK(auth.mechanism() == r.mechanism);
        CHECK(auth.user() == r.user);
        CHECK(auth.user().find("secret") == std::string::npos);
    }
}
